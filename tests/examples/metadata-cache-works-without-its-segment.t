#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

# shellcheck disable=SC2034
segment=$TMP/missing/segment
upstream_start
echo one >"$up/files/a"
for i in 1 2; do
	ask /a
	is "$status:$(<"$TMP/out")" 0:one "without a segment: the answer, $i"
	like "$(<"$TMP/err")" "metadata-cache: no cache: .*/a: fetched," \
		"and that there is no cache"
	is "$(requests /a)" "$i" "each one asks for itself"
done
done_testing
