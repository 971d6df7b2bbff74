#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1

fuzz=("$SFSHM_SOURCE/tools/fuzz" --build "$SFSHM_BUILD" --work "$TMP/work")

# column N TARGET: of the target's row
column()
{
	awk -v n="$1" -v target="$2" '$1 == target { print $n }' "$TMP/table"
}

exits 0 "nothing is wrong" "${fuzz[@]}" --seconds 8 --runs 100000
cp "$TMP/out" "$TMP/table"
diag "$(<"$TMP/table")"
for target in segment live words; do
	ok "$target: more than the known inputs was run" test \
		"$(column 2 $target)" -gt "$(find \
			"$SFSHM_SOURCE/tests/stress/fuzz/corpus/$target" -type f | wc -l)"
	is "$(column 6 $target)" 0 "$target: the table says so"
done

for wrong in "--seconds" "--seconds 0" "--runs ten" "--build" "everything"; do
	# shellcheck disable=SC2086 # they are words
	exits 2 "'$wrong' is refused" "${fuzz[@]}" $wrong
	is "$(wc -l <"$TMP/err")" 1 "in one line"
done
exits 2 "a build without fuzz targets is refused" \
	"${fuzz[@]}" --build "$TMP" words
done_testing
