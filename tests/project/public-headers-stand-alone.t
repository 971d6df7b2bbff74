#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each public header compiles by itself, as strict C11 and as C++17, with the
# warnings on that careful users have on; those for C++ (.hpp) as C++17. All
# together compile in older and newer versions of the languages, too.
. "${0%/*}/../lib/tap.sh" || exit 1

strict="-Wall -Wextra -Wundef -Wpedantic -Wconversion -Wsign-conversion
	-Wcast-qual -Wold-style-cast -Werror -fsyntax-only"
cd "$SFSHM_SOURCE/include" || exit 1
headers=$(find . -name '*.h' -o -name '*.hpp' | sed 's|^\./||' | sort)
for header in $headers; do
	# Twice, so that include guards are seen to work.
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$TMP/x.c"
	cp "$TMP/x.c" "$TMP/x.cc"
	if [[ $header == *.h ]]; then
		# shellcheck disable=SC2086
		ok "<$header> is C11" gcc -std=c11 \
			${strict/-Wold-style-cast/} -I. "$TMP/x.c"
	fi
	# shellcheck disable=SC2086
	ok "<$header> is C++17" clang++ -std=c++17 $strict -I. "$TMP/x.cc"
done

# All of them, by the other compiler, and by the languages' other versions.
# shellcheck disable=SC2086
printf '#include <%s>\n' $headers >"$TMP/x.cc"
grep -v '[.]hpp>' "$TMP/x.cc" >"$TMP/x.c"
cp "$TMP/x.c" "$TMP/c.cc"
for version in 99 11 17; do
	for compiler in gcc clang; do
		# shellcheck disable=SC2086
		ok "all are C$version for $compiler" $compiler -std=c$version \
			${strict/-Wold-style-cast/} -I. "$TMP/x.c"
	done
done
for version in 11 14 17 20; do
	for compiler in g++ clang++; do
		file=$TMP/c.cc
		[ $version -lt 17 ] || file=$TMP/x.cc
		# shellcheck disable=SC2086
		ok "all are C++$version for $compiler" $compiler \
			-std=c++$version $strict -I. "$file"
	done
done
done_testing
