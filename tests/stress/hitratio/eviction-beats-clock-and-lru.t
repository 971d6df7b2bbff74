#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1

[ -z "$SFSHM_SANITIZE" ] || skip_all "who is evicted is the same in every build"
exits 0 "traces are replayed" "$SFSHM_SOURCE/tools/hitratio" \
	--build "$SFSHM_BUILD" 500000
diag "$(<"$TMP/out")"
is "$(head -n 1 "$TMP/out")" \
	"| trace | slots | LRU | CLOCK | SIEVE | S3-FIFO | sfshm |" "the heading"
while IFS='|' read -r _ trace slots lru clock _ _ sfshm _; do
	ok "$trace, $slots slots: $sfshm" awk "BEGIN {
		exit !($sfshm >= $lru && $sfshm >= $clock)
	}"
done < <(tail -n +3 "$TMP/out")
is "$(tail -n +3 "$TMP/out" | wc -l)" 12 "so many rows"

for wrong in "10" "many" "--build" "1 x"; do
	# shellcheck disable=SC2086 # they are words
	exits 2 "'$wrong' is refused" "$SFSHM_SOURCE/tools/hitratio" \
		--build "$SFSHM_BUILD" $wrong
	is "$(wc -l <"$TMP/err")" 1 "in one line"
done
done_testing
