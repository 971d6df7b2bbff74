#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo start >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo whole
END

spawn_run -k key -- "$TMP/work" >"$TMP/leader.out"
leader=$!
logged start
spawn_run -k key -- "$TMP/work" >"$TMP/stays.out"
stays=$!
waiters key 1
for signal in HUP INT QUIT TERM; do
	spawn_run -k key -- "$TMP/work"
	follower=$!
	waiters key 2
	kill -$signal $follower
	ends $((128 + $(kill -l $signal))) \
		"$signal ends the follower" $follower
	waiters key 1
done

trap '' HUP
spawn_run -k key -- "$TMP/work" >"$TMP/deaf.out"
deaf=$!
trap - HUP
waiters key 2
kill -HUP $deaf
touch "$TMP/go"
ends 0 "the leader goes on" "$leader"
ends 0 "the other follower does, too" $stays
ends 0 "and one that was started to ignore the signal" $deaf
is "$(cat "$TMP/stays.out" "$TMP/deaf.out" | xargs)" "whole whole" \
	"with the result"
is "$(grep -c start "$TMP/log")" 1 "of one run"
done_testing
