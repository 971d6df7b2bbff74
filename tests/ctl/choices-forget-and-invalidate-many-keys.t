#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment choices
sfshm-ctl create -s "$segment" >"$TMP/out"
ctl=(sfshm-ctl -s "$segment")

keys()
{
	"${ctl[@]}" list "$@" | sort | tr '\n' ' '
}

# fresh KEY: prints what get prints of the key, or nothing
fresh()
{
	"${ctl[@]}" get "$1" 2>"$TMP/err"
}

for key in report-1 report-2 other; do
	"${ctl[@]}" put "$key" "$key" --ttl 1h
done
lead busy

is "$(keys --match 'report-?')" "report-1 report-2 " "list chooses by pattern"
exits 0 "a dry run" "${ctl[@]}" forget --match 'report-*' --dry-run
is "$(sort "$TMP/out" | tr '\n' ' ')" "report-1 report-2 " "... names the keys"
is "$(<"$TMP/err")" "2 keys; nothing has changed" "... and counts them"
is "$(fresh report-1)" report-1 "... and changes nothing"

exits 0 "invalidate a pattern" "${ctl[@]}" invalidate --match 'report-*'
is "$(<"$TMP/out")" "invalidated 2 keys" "... which is said"
is "$(fresh report-1)$(fresh other)" other "those are stale, others are not"
is "$("${ctl[@]}" get --stale report-1)" report-1 "the stale value is there"
exits 0 "invalidate a key, hard" "${ctl[@]}" invalidate --hard report-1
exits 1 "... and it is gone" "${ctl[@]}" get --stale report-1

exits 0 "forget a pattern" "${ctl[@]}" forget --match '*r*'
is "$(<"$TMP/out")" "forgot 2 keys" "... which is said"
exits 0 "a busy key stays" "${ctl[@]}" forget --match 'b*y'
is "$(<"$TMP/out")" "forgot 0 keys; 1 busy now" "... and is counted"

"${ctl[@]}" put red-1 one --tag red
"${ctl[@]}" put red-2 two --tag blue --tag red
"${ctl[@]}" put blue three --tag blue
exits 0 "invalidate a tag" "${ctl[@]}" invalidate --tag red
is "$(fresh red-1)$(fresh red-2)$(fresh blue)" three \
	"its values are stale, others are not"

"${ctl[@]}" forget --match '*' >"$TMP/out"
kill_leader
"${ctl[@]}" put fine yes
sfshm-ctl create -s "$segment-small" --max-value 4K >"$TMP/out"
tap_segments+=("$segment-small")
sfshm-run -s "$segment-small" -k broken --neg-ttl 1h -- \
	head -c 100000 /dev/zero >"$TMP/out" 2>"$TMP/err"
sfshm-ctl -s "$segment-small" put fine yes
is "$(sfshm-ctl -s "$segment-small" list --failed)" broken "the failed ones"
exits 0 "forget the failed ones" sfshm-ctl -s "$segment-small" forget --failed
is "$(sfshm-ctl -s "$segment-small" list)" fine "the others stay"

for words in "forget" "invalidate" "forget key --match x" \
	"invalidate --tag x --match y" "forget key --dry-run" \
	"invalidate --tag x --hard"; do
	# shellcheck disable=SC2086 # they are words
	exits 2 "$words: exit status 2" "${ctl[@]}" $words
	is "$(wc -l <"$TMP/err")" 1 "... and a line"
done
done_testing
