#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The short form of tools/explore: some thousand orders of each scenario, with
# deaths and stops, by the library's own code; and some of them with memory as
# weak as C11 allows it.
. "${0%/*}/../../lib/tap.sh" || exit 1

explore=$SFSHM_BUILD/tests/stress/explore/explore

for scenario in $("$explore" -l | grep -v '^toy-' | cut -d' ' -f1); do
	"$explore" "$scenario" >"$TMP/out" 2>&1
	is $? 0 "$scenario"
	diag "$(cat "$TMP/out")"
	"$explore" -w -b 1 -n 200 "$scenario" >"$TMP/out" 2>&1
	is $? 0 "... with weak memory"
	diag "$(cat "$TMP/out")"
done
done_testing
