#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each operation of src/os/atomics.h on memory is in the explorer's twin of it:
# an operation without a twin would not be a scheduling point, and nobody would
# notice.
. "${0%/*}/../../lib/tap.sh" || exit 1

names()
{
	grep -oE '^#define (load|store|cas|fetch|fence|copy)_[a-z_]+' "$1" |
		cut -d' ' -f2 | sort -u
}

names "$SFSHM_SOURCE/src/os/atomics.h" >"$TMP/real"
names "$SFSHM_SOURCE/tests/stress/explore/override/os/atomics.h" >"$TMP/twin"
ok "there are some" [ "$(wc -l <"$TMP/real")" -gt 10 ]
is "$(comm -23 "$TMP/real" "$TMP/twin")" "" "each operation has a twin"
done_testing
