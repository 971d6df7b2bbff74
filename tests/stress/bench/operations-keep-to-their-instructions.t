#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each operation takes no more instructions than the file "instructions" beside
# this test says. --record writes the file anew, with the measured counts and a
# twentieth more; use it when a change is worth its cost.
. "${0%/*}/lib.sh" || exit 1

bounds=$SFSHM_SOURCE/tests/stress/bench/instructions
runs=50

command -v callgrind_annotate >/dev/null ||
	skip_all "no callgrind here (package valgrind)"
[ "$(uname -m)" = x86_64 ] || skip_all "the bounds are x86-64's"
readelf -p .comment "$program" | grep -q 'GCC: (.*) 12\.' ||
	skip_all "the bounds are gcc 12's"
grep -q '^CMAKE_BUILD_TYPE:STRING=RelWithDebInfo' "$SFSHM_BUILD/CMakeCache.txt" ||
	skip_all "the bounds are the default build's"

# run OPERATION: in a process of its own, so that no operation pays for what
# another one has left behind
run()
{
	valgrind -q --tool=callgrind --zero-before=warmed_up \
		--callgrind-out-file="$TMP/$1" \
		"$program" "$segment" $runs "$1" 2>"$TMP/err" && return
	diag "$(cat "$TMP/err")"
	fail "$1 can be run under callgrind"
	done_testing
}

segment
for operation in "${operations[@]}"; do
	run "$operation"
done

# measured OPERATION: prints its instructions, a run
measured()
{
	callgrind_annotate --inclusive=yes --threshold=100 --auto=no \
		"$TMP/$1" | tr -d , |
		awk -v name=":counted_$1" -v runs=$runs \
			'index($0, name " ") { printf "%.0f\n", $1 / runs }'
}

if [ "${1:-}" = --record ]; then
	{
		sed '/^[^#]/d' "$bounds"
		for operation in "${operations[@]}"; do
			echo "$operation $(($(measured "$operation") * 21 / 20))"
		done
	} >"$TMP/bounds"
	cat "$TMP/bounds" >"$bounds"
fi

# A busy machine adds to a wake, which then looks more than once: so another run
# or two may show that the operation itself takes less.
for operation in "${operations[@]}"; do
	count=$(measured "$operation")
	bound=$(awk -v name="$operation" '$1 == name { print $2 }' "$bounds")
	for again in 2 3; do
		[ "${count:-0}" -gt "${bound:-0}" ] || break
		diag "$operation: $count, above $bound; run $again"
		run "$operation"
		count=$(measured "$operation")
	done
	bounded "$bounds" "$operation" "${count:-999999}" instructions
done
done_testing
