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
	if [[ $header == *.h ]]; then
		# shellcheck disable=SC2086
		ok "<$header> is C11" gcc -std=c11 $strict -I. "$TMP/x.c"
	fi
	# shellcheck disable=SC2086
	ok "<$header> is C++17" clang++ -std=c++17 $strict -I. "$TMP/x.cc"
done

# All of them by those who read them otherwise.
# shellcheck disable=SC2086
printf '#include <%s>\n' $headers >"$TMP/x.cc"
grep -v '[.]hpp>' "$TMP/x.cc" >"$TMP/x.c"
# shellcheck disable=SC2086
ok "all are C11 for clang" clang -std=c11 $strict -I. "$TMP/x.c"
# shellcheck disable=SC2086
ok "all are C++17 for g++" g++ -std=c++17 $strict -I. "$TMP/x.cc"
done_testing
