#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The short form of tools/explore: some thousand orders of each scenario, with
# deaths and stops, by the library's own code.
. "${0%/*}/../lib/tap.sh" || exit 1

explore=$SFSHM_BUILD/tests/explore/explore

for scenario in $("$explore" -l | grep -v '^toy-' | cut -d' ' -f1); do
	"$explore" "$scenario" >"$TMP/out" 2>&1
	is $? 0 "$scenario"
	diag "$(cat "$TMP/out")"
done
done_testing
