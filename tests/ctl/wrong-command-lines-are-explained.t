#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

# wrong REGEX ARGUMENT...
wrong()
{
	local regex=$1
	shift
	exits 2 "sfshm-ctl $*: exit status 2" sfshm-ctl "$@"
	is "$(wc -l <"$TMP/err")" 1 "one line"
	like "$(<"$TMP/err")" "^sfshm-ctl: $regex" "that says what"
}

segment wrong
wrong "no verb; give create.*"
wrong "unknown verb 'destroy'" destroy -s "$segment"
wrong "unknown option '-q'" create -q
wrong "-s needs an argument" purge -s
wrong "forget: no key" forget -s "$segment"
wrong "forget: unexpected 'two'" forget -s "$segment" one two
wrong "purge: unexpected 'one'" purge -s "$segment" one
wrong "purge: .*create.*resize" purge -s "$segment" --slots 10
wrong "resize: only create takes --mode" resize -s "$segment" --mode 0600
wrong "create: only resize takes --timeout" create -s "$segment" --timeout 1s
wrong "--timeout 5: .*ms, s, m" resize -s "$segment" --timeout 5
wrong "--timeout 9999d: " resize -s "$segment" --timeout 9999d
wrong "--timeout -1s: " resize -s "$segment" --timeout -1s
wrong "get: only put takes --ttl" get -s "$segment" key --ttl 1s
wrong "purge: only list, forget, invalidate, export and import take --match" \
	purge -s "$segment" --match x
wrong "put: unexpected 'three'" put -s "$segment" one two three
wrong "put: no key" put -s "$segment"
wrong "--ttl 50d: .*49 days" put -s "$segment" one two --ttl 50d
wrong "--tag : " put -s "$segment" one two --tag ""
wrong "--kind flock: " break -s "$segment" one --kind flock
wrong "resize: unexpected '10'" resize -s "$segment" 10
wrong "--slots 0: " create -s "$segment" --slots 0
wrong "--slots ten: " create -s "$segment" --slots ten
wrong "--slots -1: " create -s "$segment" --slots -1
wrong "--slots 1K: " create -s "$segment" --slots 1K
wrong "--slots 4294967296: " create -s "$segment" --slots 4294967296
wrong "--participants 1.5: " create -s "$segment" --participants 1.5
wrong "--bytes 0: " create -s "$segment" --bytes 0
wrong "--bytes 1X: " create -s "$segment" --bytes 1X
wrong "--bytes 1MB: " create -s "$segment" --bytes 1MB
wrong "--bytes : " create -s "$segment" --bytes ""
wrong "--bytes 18446744073709551615G: " create -s "$segment" \
	--bytes 18446744073709551615G
wrong "--max-value 4G: " create -s "$segment" --max-value 4G
wrong "--mode 888: " create -s "$segment" --mode 888
wrong "--mode 0400: " create -s "$segment" --mode 0400
wrong "--mode 1600: " create -s "$segment" --mode 1600
exits 1 "none of them made it" sfshm-dump -s "$segment"

exits 1 "a name with odd characters" sfshm-ctl create -s "no such name"
like "$(<"$TMP/err")" "letters, digits" "is explained"

exits 0 "help is no error" sfshm-ctl --help
like "$(<"$TMP/out")" '^usage: sfshm-ctl ' "and tells the usage"
exits 0 "nor is the version" sfshm-ctl --version
like "$(<"$TMP/out")" '^sfshm-ctl [0-9]+\.[0-9]+\.[0-9]+$' "which is told"

done_testing
