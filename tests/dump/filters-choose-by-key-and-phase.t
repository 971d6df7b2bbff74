#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment filters
sfshm-ctl create -s "$segment" --max-value 4K >"$TMP/out"
publish report-1
publish report-2
publish dir/report-3
publish $'latin-\xe9'
lead busy-1
sfshm-run -s "$segment" -k broken --neg-ttl 1h -- \
	head -c 100000 /dev/zero >"$TMP/out" 2>"$TMP/err"

# chosen ARGUMENT...: the keys that it shows
chosen()
{
	sfshm-dump -s "$segment" --json "$@" >"$TMP/json"
	json "$TMP/json" '" ".join(sorted(slots))'
}

is "$(chosen)" \
	'broken busy-1 dir/report-3 latin-\xe9 report-1 report-2' "all"
is "$(chosen --key 'report-*')" "report-1 report-2" "the star"
is "$(chosen --key '*report-?')" "dir/report-3 report-1 report-2" \
	"the star takes slashes as well"
is "$(chosen --key 'report-[13-9]')" "report-1" "brackets"
is "$(chosen --key 'report')" "" "the whole key must match"
is "$(chosen --key $'latin-\xe9')" 'latin-\xe9' "the raw bytes are compared"
is "$(LC_ALL=C.UTF-8 chosen --key 'latin-*')" 'latin-\xe9' \
	"also where they are no characters of the locale"
is "$(chosen --phase busy)" "busy-1" "busy"
is "$(chosen --phase=failed)" "broken" "failed"
is "$(chosen --phase idle)" "" "idle"
is "$(chosen --phase "done" --key '*-2')" "report-2" "both"
is "$(chosen --phase busy,failed)" "broken busy-1" "one phase or the other"
is "$(chosen --pid "$leader")" "busy-1" "what a process leads"
is "$(chosen --waiting)" "" "nobody waits"
follow busy-1 1
is "$(chosen --waiting)" "busy-1" "the key that somebody waits for"
is "$(chosen --pid "${tap_children[-1]}")" "busy-1" "what a process waits for"
is "$(chosen --older 365d)" "" "nothing is that old"
wait_until seen "slots['busy-1']['age_ms'] > 1000"
like "$(chosen --older 1s --phase busy)" "busy-1" "a flight is"
kill_leader
wait_until seen "slots['busy-1']['phase'] != 'busy'"
spawn sfshm-run -s "$segment" -k orphan -- sleep 1000
orphan=$!
wait_until seen "slots['orphan']['phase'] == 'busy'"
{
	kill -KILL "$orphan" && wait "$orphan"
} 2>/dev/null
is "$(chosen --phase dead)" "orphan" "dead"
like "$(chosen --phase busy)" "orphan" "which is a kind of busy"

sfshm-dump -s "$segment" --key 'report-*' >"$TMP/out"
is "$(grep -c '^report-' "$TMP/out")" 2 "the table shows what is chosen"
is "$(grep -c '^busy-1 ' "$TMP/out")" 0 "and nothing else"
sfshm-dump -s "$segment" --phase failed >"$TMP/out"
like "$(grep '^broken ' "$TMP/out")" ' failed .* -[0-9]+ .+' \
	"a failure is shown with its code and message"
sfshm-dump -s "$segment" --phase failed --json >"$TMP/json"
is "$(json "$TMP/json" 'slots["broken"]["error"]["code"] < 0 and
	len(slots["broken"]["error"]["message"]) > 0')" true \
	"in JSON too"
like "$(sfshm-dump -s "$segment" --key nothing)" 'no key matches.*0 of 7 keys chosen$' \
	"it says that nothing matches"

done_testing
