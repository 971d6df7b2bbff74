#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each fault that tools/explore --faults plants changes the file that it names,
# and names scenarios that there are.
. "${0%/*}/../../lib/tap.sh" || exit 1

faults=$SFSHM_SOURCE/tests/stress/explore/faults
"$SFSHM_BUILD/tests/stress/explore/explore" -l | cut -d' ' -f1 >"$TMP/scenarios"

field()
{
	sed -n "s/^# $1: //p" "$faults/$2"
}

changes()
{
	local file
	file=$SFSHM_SOURCE/$(field file "$1")
	! sed -f "$faults/$1" "$file" | cmp -s - "$file"
}

for path in "$faults"/*; do
	fault=${path##*/}
	ok "$fault changes its file" changes "$fault"
	for scenario in $(field 'found by' "$fault"); do
		ok "... $scenario is a scenario" \
			grep -qxF "$scenario" "$TMP/scenarios"
	done
done
done_testing
