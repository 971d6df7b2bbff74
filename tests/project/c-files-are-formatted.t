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
readarray -t files < <(find src include tests tools docs -name '*.[ch]' | sort)
# One process for all: hundreds of them take minutes on a busy machine.
$format --style=file --dry-run -Werror "${files[@]}" 2>"$TMP/found"
is $? 0 "clang-format changes none of ${#files[@]} files" || diag "$(<"$TMP/found")"
ok "there are some" test ${#files[@]} -gt 100
done_testing
