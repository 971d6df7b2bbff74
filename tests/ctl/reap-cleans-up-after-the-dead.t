#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment reap
ctl=(sfshm-ctl -s "$segment")
lead orphan
kill_leader
wait_until seen "any(not p['alive'] for p in d['participants'])"
exits 0 "reap" "${ctl[@]}" reap
is "$(<"$TMP/out")" "reaped 1 dead thread" "... cleans up after it"
snapshot
is "$(json "$TMP/json" "[p for p in d['participants'] if not p['alive']],
	slots['orphan']['phase'], slots['orphan']['death_ms'] >= 0")" \
	"([], 'idle', True)" "... and the key is free, and tells of the death"
exits 0 "once more" "${ctl[@]}" reap
is "$(<"$TMP/out")" "reaped 0 dead threads" "... there is nothing left"
done_testing
