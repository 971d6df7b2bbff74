#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The explorer finds a lost count, a dead holder's lock and a lost wake, prints
# a schedule that shows each once more, and finds a wrong order of relaxed
# stores in its weak mode only.
. "${0%/*}/../../lib/tap.sh" || exit 1

explore=$SFSHM_BUILD/tests/stress/explore/explore

# finds SCENARIO WORDS [OPTION]: its schedule shows the same when it is replayed
finds()
{
	local schedule

	"$explore" ${3:+"$3"} "$1" >"$TMP/out" 2>&1
	is $? 1 "$1 fails"
	diag "$(cat "$TMP/out")"
	like "$(tail -n 1 "$TMP/out")" "$2" "... for what is wrong with it"
	schedule=$(sed -n "s/.*--replay '\(.*\)'.*/\1/p" "$TMP/out")
	like "$("$explore" ${3:+"$3"} -r "$schedule" "$1" | tail -n 1)" "$2" \
		"... and so does its schedule"
}

finds toy-count 'counted 1'
finds toy-lock 'sleeps for ever'
finds toy-wake 'a wake was lost'
finds toy-order 'sees what came second alone' -w
"$explore" toy-order >"$TMP/out" 2>&1
is $? 0 "toy-order needs weak memory"
"$explore" -r 'nonsense' toy-count >"$TMP/out" 2>&1
is $? 2 "what is no schedule is refused"
done_testing
