#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment json
publish report
lead slow
follow slow 1

exits 0 "it is written" sfshm-dump -s "$segment" --json
cp "$TMP/out" "$TMP/json"
is "$(json "$TMP/json" '" ".join(sorted(d))')" \
	"counters histograms participants schema segment slots summary taken_at" \
	"eight parts, no more"
is "$(json "$TMP/json" \
	'" ".join(sorted(set.intersection(*map(set, d["slots"]))))')" \
	"abandoned age_ms damaged death_ms deaths error generation idle_ms index key kind lease_ms owner phase predecessor_died rank save semaphore sharers stale_ms took_us torn ttl_ms value_bytes waiters" \
	"what all slots carry"

is "$(json "$TMP/json" 'slots["report"]["phase"]')" "done" "phase"
is "$(json "$TMP/json" 'slots["report"]["owner"]')" null "nobody's"
is "$(json "$TMP/json" 'slots["report"]["error"]')" null "no error"
is "$(json "$TMP/json" '3500000 < slots["report"]["ttl_ms"] <= 3600000')" \
	true "remaining life"
is "$(json "$TMP/json" '0 <= slots["report"]["age_ms"] < 60000')" true "age"
is "$(json "$TMP/json" '6 <= slots["report"]["value_bytes"] < 1000')" true \
	"size of the value"
is "$(json "$TMP/json" 'slots["slow"]["owner"] ==
	{"pid": '"$leader, \"tid\": $leader"', "alive": True}')" true \
	"pid, tid and life of the owner"
is "$(json "$TMP/json" 'slots["slow"]["waiters"]')" 1 "waiters"
is "$(json "$TMP/json" 'slots["slow"]["value_bytes"]')" null "no value yet"
is "$(json "$TMP/json" 'slots["slow"]["generation"] > 0')" true "generation"
is "$(json "$TMP/json" '[p["flights"] for p in d["participants"]
	if p["pid"] == '"$leader"' and p["alive"]]')" "[1]" \
	"a participant's flights"
is "$(json "$TMP/json" '[p["waits_for"] for p in d["participants"]
	if p["waits_for"] is not None] == [slots["slow"]["index"]]')" true \
	"what a participant waits for"
is "$(json "$TMP/json" 'd["counters"]["publishes"]')" 1 "counters"
is "$(json "$TMP/json" '0 in d["counters"].values()')" true \
	"those that are 0 too"
is "$(json "$TMP/json" '[sorted(d["histograms"]),
	d["histograms"]["work"]["count"], sum(d["histograms"]["work"]["buckets"]),
	len(d["histograms"]["wait"]["buckets"]),
	d["histograms"]["wait"]["least_ns"]]')" \
	"[['wait', 'work'], 1, 1, 32, 131072]" "histograms of times"
is "$(json "$TMP/json" \
	'd["segment"]["waiting"] in ("futex_waitv", "fallback")')" true \
	"how threads wait"
is "$(json "$TMP/json" 'd["segment"]["path"]')" "$(path)" "the file"

is "$(json "$TMP/json" 'slots["report"]["took_us"] > 0')" true \
	"how long the work ran"
is "$(json "$TMP/json" 'slots["slow"]["took_us"]')" null "if it has ended"
is "$(json "$TMP/json" 'd["schema"]')" 1 "the number of the format"
is "$(json "$TMP/json" '0 <= __import__("time").time() - d["taken_at"] < 600')" \
	true "the time when it was taken"
is "$(json "$TMP/json" '[d["summary"][k] for k in ("keys", "keys_busy",
	"keys_awaited", "threads_alive", "threads_waiting")]')" \
	"[2, 1, 1, 2, 1]" "a summary"
is "$(json "$TMP/json" 'd["summary"]["calls"] >= d["counters"]["gets"]')" true \
	"calls"

# Every name stands for one type: readers in typed languages want that.
cat >"$TMP/types.py" <<'END'
import json, sys

types = {}

def walk(value):
    if isinstance(value, dict):
        for name, part in value.items():
            if part is not None:
                kind = type(part).__name__.replace("int", "float")
                types.setdefault(name, set()).add(kind)
            walk(part)
    elif isinstance(value, list):
        for part in value:
            walk(part)

for path in sys.argv[1:]:
    with open(path, encoding="ascii") as file:
        walk(json.load(file))
print([name for name, kinds in types.items() if len(kinds) > 1])
END
sfshm-run -s "$segment" --semaphore gate:2 -- sfshm-dump -s "$segment" --json \
	>"$TMP/semaphore"
sfshm-run -s "$segment" -k save --file --dir "$TMP" --ttl 1h -- echo text \
	>"$TMP/out"
sfshm-dump -s "$segment" --json >"$TMP/save"
sfshm-dump --json >"$TMP/list" 2>"$TMP/err"
is "$(python3 "$TMP/types.py" "$TMP/json" "$TMP/semaphore" "$TMP/save" \
	"$TMP/list")" "[]" "each name has one type"

kill -STOP "${tap_children[1]}"
kill_leader
snapshot
is "$(json "$TMP/json" 'slots["slow"]["owner"]["alive"]')" false \
	"a dead owner"

done_testing
