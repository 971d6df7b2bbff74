#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment values
sfshm-ctl create -s "$segment" --max-value 64K >"$TMP/out"
ctl=(sfshm-ctl -s "$segment")

head -c 50000 /dev/urandom >"$TMP/bytes"
exits 0 "standard input is stored" "${ctl[@]}" put bytes <"$TMP/bytes"
"${ctl[@]}" get bytes >"$TMP/again"
ok "... byte by byte" cmp "$TMP/bytes" "$TMP/again"
exits 0 "an operand is stored" "${ctl[@]}" put word hello
is "$("${ctl[@]}" get word)" hello "... without a newline"
is "$(sfshm-run -s "$segment" -k shared -- true; "${ctl[@]}" put empty ""
	"${ctl[@]}" get empty | wc -c)" 0 "an empty value is one"
exits 0 "with a lifetime" "${ctl[@]}" put --ttl 1h --grace 2h timed x
snapshot
is "$(json "$TMP/json" '3500000 < slots["timed"]["ttl_ms"] <= 3600000 and
	7100000 < slots["timed"]["stale_ms"] <= 7210000')" true "... which it has"
is "$(json "$TMP/json" 'slots["word"]["ttl_ms"]')" -1 "without one: for ever"

exits 1 "no such key" "${ctl[@]}" get nothing
is "$(<"$TMP/err")" "sfshm-ctl: nothing: there is no fresh value; sfshm-dump -s $segment shows the keys" \
	"... which is said"
is "$(wc -c <"$TMP/out")" 0 "... and nothing is printed"
sfshm-run -s "$segment" -k broken --neg-ttl 1h -- \
	head -c 100000 /dev/zero >"$TMP/out" 2>"$TMP/err"
exits 4 "a failure" "${ctl[@]}" get broken
like "$(<"$TMP/err")" "^sfshm-ctl: broken: its work failed: -[0-9]+ .*too|larger" \
	"... which says why"
head -c 100000 /dev/zero >"$TMP/large"
exits 1 "a value that is too large" "${ctl[@]}" put large <"$TMP/large"
like "$(<"$TMP/err")" "max_value|larger" "... is explained"

lead busy
exits 0 "put takes a flight from its leader" "${ctl[@]}" put busy mine
is "$("${ctl[@]}" get busy)" mine "... and its value is there"

"${ctl[@]}" put $'two\nlines' x
is "$("${ctl[@]}" list --match 'two*')" 'two\nlines' "list escapes keys"
is "$("${ctl[@]}" list -0 --match 'two*' | od -An -c | tr -d ' \n')" \
	'two\nlines\0' "-0 gives their bytes"
done_testing
