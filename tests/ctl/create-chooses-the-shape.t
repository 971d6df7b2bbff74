#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

# shape EXPRESSION
shape()
{
	snapshot
	json "$TMP/json" "[d['segment'][name] for name in '$1'.split()]"
}

segment shaped
exits 0 "it makes a segment" sfshm-ctl create -s "$segment" --slots 1000 \
	--participants 20 --bytes 2M --max-value 64K --mode 0640
is "$(<"$TMP/out")" "made $(path)" "and says where"
is "$(shape "slots_max participants_max max_value mode")" \
	"[1000, 20, 65536, '0640']" "as it was asked to"
is "$(shape bytes)" "[2097152]" "with so many bytes for values"
is "$(stat -c %a "$(path)")" 640 "the file has these permissions"

exits 1 "one that is there is not made again" sfshm-ctl create -s "$segment"
is "$(wc -l <"$TMP/err")" 1 "which takes one line to say"
like "$(<"$TMP/err")" "^sfshm-ctl: $segment: .*unlink" "and what to do"
is "$(shape slots_max)" "[1000]" "it is as it was"

# The feature's bit in the header: see layout.md.
huge()
{
	od -An -tu8 -j24 -N8 "$(path)" | tr -d ' '
}

is "$(huge)" 0 "it asks for no huge pages"
segment large-pages
exits 0 "unless it is told to" sfshm-ctl create -s "$segment" --huge-pages
is "$(huge)" 1 "which it notes for all who open it"
exits 0 "a resize" sfshm-ctl resize -s "$segment" --slots 20000
is "$(huge)" 1 "... keeps that"

segment plain
exits 0 "all has a default" sfshm-ctl -s "$segment" create
is "$(shape "slots_max participants_max max_value bytes mode")" \
	"[16384, 1024, 1048576, 16777216, '0600']" "which the manual tells"

exits 0 "a path does as well" sfshm-ctl create "--segment=$TMP/file" --slots 10
is "$(<"$TMP/out")" "made $TMP/file" "and is used as it is"
exits 0 "it can be shown" sfshm-dump -s "$TMP/file"

exits 1 "not in a folder that is missing" \
	sfshm-ctl create -s "$TMP/missing/file"
like "$(<"$TMP/err")" "^sfshm-ctl: $TMP/missing/file: .*directory is missing" "which is said"

segment million
exits 0 "a million slots" sfshm-ctl create -s "$segment" --slots 1000000
is "$(shape slots_max)" "[1000000]" "are no trouble"

segment never
for arguments in "--slots 99999999" "--participants 16384" "--bytes 17G"; do
	# shellcheck disable=SC2086 # they are words
	exits 1 "$arguments is too much" \
		sfshm-ctl create -s "$segment" $arguments
	is "$(wc -l <"$TMP/err")" 1 "which takes one line to say"
	[ ! -e "$(path)" ]
	is $? 0 "nothing is left behind"
done

done_testing
