#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An operation that needs no other participant makes no system call. A publish
# to followers that sleep makes one.
. "${0%/*}/lib.sh" || exit 1

bounds=$SFSHM_SOURCE/tests/stress/bench/system-calls
runs=50

command -v strace >/dev/null || skip_all "no strace here"
strace -o /dev/null true 2>/dev/null || skip_all "nothing can be traced here"

# Each run stands between a mark with its name and one that says "end".
segment
for operation in "${operations[@]}"; do
	strace -o "$TMP/calls" "$program" "$segment" $runs "$operation" \
		2>"$TMP/err" || {
		diag "$(cat "$TMP/err")"
		fail "$operation can be run under strace"
		continue
	}
	sed -i '1,/^write(-1, "warmed up"/d' "$TMP/calls"
	awk -v mark="write(-1, \"$operation\"," '
		index($0, mark) { inside = 1; runs++; next }
		/^write\(-1, "end",/ { inside = 0 }
		inside { calls++; print }
		END { print runs, calls / runs }
	' "$TMP/calls" >"$TMP/inside"
	read -r seen calls < <(tail -n 1 "$TMP/inside")
	is "$seen" $runs "$operation was seen $runs times"
	bounded "$bounds" "$operation" "${calls:-999999}" "system calls"
done
done_testing
