#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# The first run waits for its signal, the second one for its turn.
script work <<'END'
echo "start $$" >>"$TMP/log"
if mkdir "$TMP/first" 2>/dev/null; then
	[ -z "$1" ] || trap "echo caught >>$TMP/log; echo bye; exit $1" TERM
	sleep 1000 &
	wait
	exit
fi
echo second
END

# Sets $leader and $follower.
start()
{
	rm -rf "$TMP/first"
	: >"$TMP/log"
	spawn_run -k key -- "$TMP/work" "${1-}" >"$TMP/leader.out"
	leader=$!
	logged start
	spawn_run -k key --json-status 3 -- "$TMP/work" >"$TMP/follower.out" \
		3>"$TMP/json"
	follower=$!
	waiters key 1
}

# taken_over HOW
taken_over()
{
	ends 0 "$1: the follower takes over" "$follower"
	is "$(cat "$TMP/follower.out")" second "... and runs it itself"
	is "$(grep -c start "$TMP/log")" 2 "... once"
	like "$(cat "$TMP/json")" '"leader":true.*"owner_died":false' \
		"... for the leader let go"
}

for signal in HUP TERM; do
	start
	kill -$signal "$leader"
	ends $((128 + $(kill -l $signal))) \
		"$signal ends the leader" "$leader"
	taken_over $signal
done

start 9
kill -TERM "$leader"
ends 9 "a command that answers has the say" "$leader"
is "$(grep -c caught "$TMP/log")" 1 "the signal reached it"
is "$(cat "$TMP/leader.out")" bye "the leader has its last words"
taken_over answered

start 0
kill -TERM "$leader"
ends 0 "even if it calls it a success" "$leader"
taken_over "answered with 0"
done_testing
