#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Every C file is as .clang-format has it. Versions of clang-format differ;
# version 14 decides.
. "${0%/*}/../lib/tap.sh" || exit 1

format=$(command -v clang-format-14 || command -v clang-format) ||
	skip_all "no clang-format here"
[[ $($format --version) =~ version\ 14\. ]] ||
	skip_all "clang-format is not version 14: $($format --version)"

cd "$SFSHM_SOURCE" || exit 1
while IFS= read -r file; do
	$format --style=file "$file" >"$TMP/formatted"
	ok "$file" diff -u --label "$file" --label formatted \
		"$file" "$TMP/formatted"
done < <(find src include tests tools docs -name '*.[ch]' | sort)
done_testing
