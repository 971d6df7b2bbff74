#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

for program in sqlite3 curl; do
	command -v "$program" >/dev/null || skip_all "$program is missing"
done

TMPDIR=$TMP exits 0 "the demo passes" \
	"$SFSHM_SOURCE/tools/demo" --quick --build "$SFSHM_BUILD"
is "$(grep -c '^    NO' "$TMP/out")" 0 "no claim fails"
like "$(grep -c '^    ok' "$TMP/out")" '^(1[5-9]|2)' "it makes many"
[ "$tap_failed" -eq 0 ] || diag "$(cat "$TMP/out")"
is "$(find "$TMP" -name 'sfshm-demo.*')" "" "its folder is gone"
pid=$(sed -n 's/.*-s demo-\([0-9]*\) .*/\1/p' "$TMP/out" | head -n 1)
is "$(find /dev/shm -name "*demo-${pid:-none}*")" "" "its segments are gone"
done_testing
