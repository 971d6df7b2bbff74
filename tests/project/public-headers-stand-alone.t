#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each public header compiles by itself, as strict C11 and as C++17; those for
# C++ (.hpp) as that.
. "${0%/*}/../lib/tap.sh" || exit 1

strict="-Wall -Wextra -Wundef -pedantic -Werror -fsyntax-only"
cd "$SFSHM_SOURCE/include" || exit 1
headers=$(find . -name '*.h' -o -name '*.hpp' | sed 's|^\./||' | sort)
for header in $headers; do
	# Twice, so that include guards are seen to work.
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$TMP/x.c"
	cp "$TMP/x.c" "$TMP/x.cc"
	for compiler in gcc clang; do
		[[ $header == *.hpp ]] && break
		# shellcheck disable=SC2086
		ok "<$header> is C11 for $compiler" \
			$compiler -std=c11 $strict -I. "$TMP/x.c"
	done
	for compiler in g++ clang++; do
		# shellcheck disable=SC2086
		ok "<$header> is C++17 for $compiler" \
			$compiler -std=c++17 $strict -I. "$TMP/x.cc"
	done
done
done_testing
