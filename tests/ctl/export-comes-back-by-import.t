#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment from
from=$segment
segment to
to=$segment
sfshm-ctl create -s "$from" >"$TMP/out"
sfshm-ctl create -s "$to" >"$TMP/out"

head -c 30000 /dev/urandom >"$TMP/bytes"
sfshm-ctl put -s "$from" bytes <"$TMP/bytes"
sfshm-ctl put -s "$from" $'two\nlines' "x" --ttl 1h --grace 2h
sfshm-ctl put -s "$from" report old
sfshm-ctl put -s "$from" stale gone
sfshm-ctl invalidate -s "$from" stale >"$TMP/out"

exits 0 "it exports" sfshm-ctl export -s "$from"
cp "$TMP/out" "$TMP/export"
is "$(<"$TMP/err")" "exported 3 values" "... what is fresh"
is "$(head -n 1 "$TMP/export")" "sfshm-export 1" "... in a format with a number"

sfshm-ctl put -s "$to" report new
exits 0 "it imports" sfshm-ctl import -s "$to" <"$TMP/export"
is "$(<"$TMP/out")" "imported 2 values, 1 left alone" "... what is not there"
sfshm-ctl get -s "$to" bytes >"$TMP/again"
ok "... byte by byte" cmp "$TMP/bytes" "$TMP/again"
is "$(sfshm-ctl get -s "$to" report)" new "a fresh value is left alone"
segment=$to
snapshot
is "$(json "$TMP/json" '3500000 < slots["two\nlines"]["ttl_ms"] <= 3600000 and
	7100000 < slots["two\nlines"]["stale_ms"] <= 7210000')" true \
	"lifetimes go on"
exits 0 "--replace" sfshm-ctl import --replace -s "$to" <"$TMP/export"
is "$(sfshm-ctl get -s "$to" report)" old "... replaces it"
exits 0 "a part" sfshm-ctl export -s "$from" --match 'rep*'
is "$(<"$TMP/err")" "exported 1 value" "... is chosen by its keys"
sfshm-ctl purge -s "$to" >"$TMP/out"
exits 0 "a part of an export" sfshm-ctl import -s "$to" --match 'rep*' \
	<"$TMP/export"
is "$(sfshm-ctl list -s "$to")" report "... is chosen as well"

size=$(wc -c <"$TMP/export")
for bytes in 0 10 $((size / 2)) $((size - 1)); do
	head -c "$bytes" "$TMP/export" >"$TMP/half"
	exits 1 "an export of $bytes bytes is refused" \
		sfshm-ctl import -s "$to" <"$TMP/half"
	like "$(<"$TMP/err")" "no whole export" "... and it says why"
done
printf 'sfshm-export 1\n99999 1 -1 0\nx' >"$TMP/bad"
exits 1 "a key that is too long is refused" sfshm-ctl import -s "$to" <"$TMP/bad"
done_testing
