#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3: the unit tests of the Python binding, each with its result:
# values, keys, lifetimes, failures, herds, deaths, forks, waits and their
# signals, locks, also in event loops, memory, fleets; Django's and dogpile's
# backends.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/binding.sh" || exit 1

cd "$SFSHM_SOURCE/src/bindings/python/tests" || exit 1

# unit FILE...: each test with its result, as unittest prints it
unit()
{
	local file line status=0

	timeout 300 "$python" -W error -m unittest -v "$1" >"$TMP/log" 2>&1 ||
		status=$?
	while read -r line; do
		case $line in
		*" ... ok") pass "$1: ${line% (*}" ;;
		*" ... skipped "*) skip "${line##*skipped }" "$1: ${line%% *}" ;;
		*" ... FAIL" | *" ... ERROR") fail "$1: ${line% (*}" ;;
		esac
	done <"$TMP/log"
	is "$status" 0 "$1: all of them"
	[ "$status" -eq 0 ] || diag "$(cat "$TMP/log")"
}

for file in test_*.py; do
	unit "${file%.py}"
done
done_testing
