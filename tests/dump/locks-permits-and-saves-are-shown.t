#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment kinds

# row KEY: its line in the table
row()
{
	sfshm-dump -s "$segment" >"$TMP/out"
	grep "^$1 " "$TMP/out"
}

# hold OPTION WHAT: somebody has it until killed; their pid is in $holder
hold()
{
	spawn sfshm-run -s "$segment" "$1" "$2" -- sleep 1000 >"$TMP/hold.out"
	holder=$!
}

hold --lock door
wait_until seen "slots['door']['phase'] == 'busy'"
first=$holder
hold --lock door
wait_until seen "slots['door']['waiters'] == 1"
second=$holder
snapshot
is "$(json "$TMP/json" 'slots["door"]["kind"]')" lock "a lock is one"
is "$(json "$TMP/json" 'slots["door"]["predecessor_died"]')" false "nobody died"
is "$(json "$TMP/json" 'slots["door"]["rank"]')" null "it has no rank"
is "$(json "$TMP/json" '[d["participants"][p["waits_for_participant"]]["pid"]
	for p in d["participants"] if p["pid"] == '"$second]")" "[$first]" \
	"who waits for whom"
like "$(sfshm-dump -s "$segment")" "$second +sfshm-run .* door +$first sfshm-run\$" \
	"in the table as well"
like "$(row door)" '^door +lock +busy ' "the table tells its kind"
{
	kill -KILL "$first" && wait "$first"
} 2>/dev/null
wait_until seen "slots['door']['owner'] == {'pid': $second, 'tid': $second, 'alive': True}"
is "$(json "$TMP/json" 'slots["door"]["predecessor_died"]')" true \
	"its holder was told of a death"
like "$(row door)" ' the last holder died$' "in the table as well"

spawn sfshm-run -s "$segment" --lock window --shared -- sleep 1000 >"$TMP/hold.out"
one=$!
spawn sfshm-run -s "$segment" --lock window --shared -- sleep 1000 >"$TMP/hold.out"
two=$!
# A picture's parts are of different moments: both must be in all of them.
wait_until seen "len(slots['window']['sharers']) == 2 and
	{$one, $two} <= {p['pid'] for p in d['participants']}"
is "$(json "$TMP/json" 'sorted(d["participants"][i]["pid"]
	for i in slots["window"]["sharers"]) ==
	sorted(['"$one, $two"'])')" true "who shares a lock"
is "$(json "$TMP/json" '[slots["window"][k] for k in ("phase", "owner",
	"age_ms", "semaphore")]')" "['busy', None, None, None]" "it has no owner"
by="shared by ($one $two|$two $one)"
like "$(row window)" "^window +lock +shared +0 .* $by\$" "in the table as well"
hold --lock window
wait_until seen "slots['window']['waiters'] == 1 and
	$holder in {p['pid'] for p in d['participants']}"
is "$(json "$TMP/json" '[slots["window"]["owner"],
	len(slots["window"]["sharers"])] + [p["waits_for_participant"]
	for p in d["participants"] if p["pid"] == '"$holder]")" \
	"[None, 2, None]" "one that wants it alone waits, and not for itself"
like "$(row window)" "^window +lock +shared +1 .* $by\$" "in the table as well"
like "$(sfshm-dump -s "$segment")" \
	"$holder +sfshm-run .* window +shared by 2\$" "... of threads, too"
is "$(sfshm-dump -s "$segment" -o KEY --noheadings --pid "$two")" window \
	"--pid finds what a process shares"
exits 1 "a lock that is shared is nobody's to break" \
	sfshm-ctl -s "$segment" break window --yes
like "$(cat "$TMP/err")" "2 threads share it; see them with sfshm-dump" \
	"... is told"

hold --semaphore gate:3
one=$holder
hold --semaphore gate:3
wait_until seen "slots['gate']['semaphore'] and
	slots['gate']['semaphore']['in_use'] == 2 and
	{$one, $holder} <= {p['pid'] for p in d['participants']}"
is "$(json "$TMP/json" 'slots["gate"]["kind"]')" semaphore "a semaphore is one"
is "$(json "$TMP/json" 'slots["gate"]["semaphore"]["max"]')" 3 "its maximum"
is "$(json "$TMP/json" 'sorted(d["participants"][i]["pid"]
	for i in slots["gate"]["semaphore"]["holders"]) ==
	sorted(['"$one, $holder"'])')" true "who has its permits"
like "$(row gate)" "^gate +semaphore +2/3 .* held by ($one $holder|$holder $one)\$" \
	"in the table as well"
is "$(json "$TMP/json" '[slots["gate"][k] for k in ("phase", "age_ms",
	"value_bytes")]')" "['busy', None, None]" "its record is not shown"
is "$(json "$TMP/json" '[slots["door"]["semaphore"], slots["gate"]["sharers"],
	slots["door"]["sharers"]]')" "[None, None, []]" "a lock is no semaphore"

mkfifo "$TMP/fifo"
spawn sfshm-run -s "$segment" -k big --file --dir "$TMP" --ttl 1h -- \
	sh -c "echo begun; cat $TMP/fifo" >"$TMP/big.out"
wait_until seen "slots['big']['save'] and
	slots['big']['save']['stage'] == 'writing'"
is "$(json "$TMP/json" 'slots["big"]["kind"]')" save "a save is one"
like "$(json "$TMP/json" 'slots["big"]["save"]["file"]')" "^$TMP/" \
	"where its file is going to be"
like "$(row big)" " writing $TMP/" "the table has stage and file"
echo end >"$TMP/fifo"
spawn sfshm-run -s "$segment" -k "done" --file --dir "$TMP" --ttl 1h -- \
	echo text >"$TMP/done.out"
wait_until seen "slots['done']['save'] and
	slots['done']['save']['stage'] == 'announced'"
is "$(json "$TMP/json" 'slots["done"]["save"]["bytes"] > 0')" true \
	"how long its file is"

for kind in lock semaphore save value claim; do
	sfshm-dump -s "$segment" --json --kind $kind >"$TMP/json"
	is "$(json "$TMP/json" 'all(s["kind"] == "'$kind'" for s in d["slots"])')" \
		true "--kind $kind shows no other"
done
is "$(sfshm-dump -s "$segment" --json --kind lock >"$TMP/json"
	json "$TMP/json" '" ".join(sorted(slots))')" "door window" "--kind lock shows the lock"
exits 2 "--kind takes five words" sfshm-dump -s "$segment" --kind flock
exits 2 "--kind needs a segment" sfshm-dump --kind lock

done_testing
