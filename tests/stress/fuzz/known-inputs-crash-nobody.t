#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Runs each input in the corpus once: those that reach much code, and in mended/
# those with which the library once crashed, hung or lost something.
. "${0%/*}/../../lib/tap.sh" || exit 1

corpus=$SFSHM_SOURCE/tests/stress/fuzz/corpus
for target in segment live words; do
	program=$SFSHM_BUILD/tests/stress/fuzz/fuzz-$target
	readarray -t inputs < <(find "$corpus/$target" \
		"$corpus/mended/$target" -type f 2>/dev/null | sort)
	exits 0 "$target: nothing is wrong" "$program" -timeout=30 \
		-artifact_prefix="$TMP/" "${inputs[@]}"
	is "$(grep -ac '^Executed ' "$TMP/err")" "${#inputs[@]}" \
		"$target: all ${#inputs[@]} were run"
	ok "$target: there are some" test ${#inputs[@]} -gt 20
done
done_testing
