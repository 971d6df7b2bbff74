#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

# listed: prints the segment's lines in the list
listed()
{
	sfshm-dump 2>"$TMP/list.err" | grep "$segment"
}

segment unfinished
sfshm-ctl create -s "$segment" --slots 100 >"$TMP/out"
publish quick
lead slow

exits 1 "a flight outlasts the timeout" sfshm-ctl resize -s "$segment" \
	--slots 200 --timeout 2s
is "$(wc -l <"$TMP/err")" 1 "one line says so"
like "$(<"$TMP/err")" "new segment is in place.* 1 flight .* again" \
	"and what is next"
snapshot
is "$(json "$TMP/json" "d['segment']['slots_max']")" 200 "the sizes are new"
is "$(sfshm-run -s "$segment" -k quick -- echo again)" value "it serves"

is "$(listed | wc -l)" 1 "the list has it once"
like "$(listed)" "^$segment .* resizing$" "and says that it is being resized"
sfshm-dump --json >"$TMP/json" 2>"$TMP/list.err"
is "$(json "$TMP/json" \
	"[s['resizing'] for s in d['segments'] if '$segment' in s['path']]")" \
	"[True]" "as JSON too"

exits 1 "other sizes must wait" sfshm-ctl resize -s "$segment" --slots 300 \
	--timeout 0
like "$(<"$TMP/err")" "not resized: .*earlier" "which is said"
snapshot
is "$(json "$TMP/json" "d['segment']['slots_max']")" 200 "nothing has changed"

kill_leader
exits 0 "then it can be finished" sfshm-ctl resize -s "$segment" --timeout 2m
is "$(ls "$(path)"*)" "$(path)" "one file is left"
like "$(listed)" "^$segment .*[0-9]$" "the list has it as usual"
is "$(sfshm-run -s "$segment" -k slow -- echo mine)" mine \
	"a key that a dead leader had is free"
is "$(sfshm-run -s "$segment" -k quick -- echo again)" value "values are there"
ok "all is sound" sfshm-ctl verify -s "$segment"
exits 0 "nothing is left to finish" sfshm-ctl resize -s "$segment"
is "$(<"$TMP/out")" "no resize is unfinished in $(path)" "which is said"

# A terminal, as far as isatty() can tell.
lead slow
if ! script -qec true /dev/null >"$TMP/out" 2>&1; then
	skip "no script(1) here" "on a terminal it shows its progress"
else
	script -qec "sfshm-ctl resize -s $segment --slots 300 --timeout 2s" \
		/dev/null >"$TMP/out"
	like "$(<"$TMP/out")" "1 values moved, 1 flight to wait for" \
		"on a terminal it shows its progress"
fi
kill_leader
ok "the last one ends as well" sfshm-ctl resize -s "$segment"

done_testing
