#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-R13: after a herd with deaths, sfshm-dump --events says what happened.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

# events EXPRESSION: of $TMP/events; e is the list of objects, head the first
events()
{
	python3 -c '
import json, sys
with open(sys.argv[1], encoding="ascii") as file:
    head, *e = map(json.loads, file)
print(eval("(" + sys.argv[2] + ")"))
' "$TMP/events" "$1"
}

# noted EXPRESSION: it holds by now
noted()
{
	sfshm-dump -s "$segment" --events --json >"$TMP/events" &&
		[ "$(events "$1")" = True ]
}

# A herd: the leader dies, a follower takes over, the others ride its result.
segment events
publish report
lead slow
dead=$leader
follow slow 3
kill_leader
for pid in "${tap_children[@]:1}"; do
	wait "$pid"
done
wait_until noted "any(x['event'] == 'reaped' for x in e)"
sfshm-dump -s "$segment" --events --json >"$TMP/events"

is "$(events "[x['when'] for x in e] == sorted(x['when'] for x in e)")" True \
	"events are in the order of time"
is "$(events "abs(__import__('time').time() - e[-1]['when']) < 600")" True \
	"by the time of day"
is "$(events "[(x['key'], x['other_pid']) for x in e
	if x['event'] == 'leader_died'] == [('slow', $dead)]")" True \
	"the death, with its process"
is "$(events "[(x['key'], x['other_pid']) for x in e
	if x['event'] == 'taken_over'] == [('slow', $dead)]")" True \
	"the takeover"
is "$(events "len([x for x in e if x['event'] == 'published'
	and x['key'] == 'slow' and x['awaited']])")" 1 "one run was published"
is "$(events "len([x for x in e if x['event'] in ('awaited', 'led')
	and x['key'] == 'slow'])")" 3 "three waited"
is "$(events "head['schema'], head['flights_complete_since'],
	head['others_complete_since']")" "(1, None, None)" \
	"all events are there"
is "$(events "[x['event'] for x in e].index('leader_died') <
	[x['event'] for x in e].index('taken_over')")" True "the death comes first"

exits 0 "in lines" sfshm-dump -s "$segment" --events
like "$(sed -n 1p "$TMP/out")" '^# flights and waits: all that there were$' \
	"the first line says since when they are complete"
like "$(grep taken_over "$TMP/out")" \
	"^[0-9-]+ [0-9:.]+ +[0-9]+ taken_over +slow .*process $dead\$" "a line"
exits 0 "of some keys" sfshm-dump -s "$segment" --events --key 'rep*' --json
cp "$TMP/out" "$TMP/events"
is "$(events "{x['key'] for x in e}")" "{'report'}" "of these alone"

# So many flights that the first are gone.
for ((i = 0; i < 40; i++)); do
	sfshm-run -s "$segment" -k "many" --refresh -- true
done >"$TMP/many.out" 2>&1
sfshm-dump -s "$segment" --events --json >"$TMP/events"
is "$(events "head['flights_complete_since'] <= e[-1]['when']")" True \
	"complete since a time"

exits 0 "a trace" sfshm-dump -s "$segment" --trace
cp "$TMP/out" "$TMP/json"
is "$(json "$TMP/json" "sorted({x['ph'] for x in d['traceEvents']})")" \
	"['X', 'i']" "bars and marks"
is "$(json "$TMP/json" "all(x['dur'] >= 0 and x['ts'] > 0
	for x in d['traceEvents'] if x['ph'] == 'X')")" true "with times"

# Those that come later.
spawn sfshm-dump -s "$segment" --events --follow --json >"$TMP/events"
wait_until test -s "$TMP/events"
publish later
wait_until grep -q '"later"' "$TMP/events"
is "$(events "[x['event'] for x in e if x['key'] == 'later']")" \
	"['published']" "--follow shows it, once"

exits 2 "--follow alone" sfshm-dump -s "$segment" --follow
exits 2 "--events without a segment" sfshm-dump --events
exits 2 "--trace with a phase" sfshm-dump -s "$segment" --trace --phase busy

done_testing
