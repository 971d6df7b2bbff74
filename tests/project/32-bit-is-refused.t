#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Nobody gets a library for 32-bit programs: CMake says why, and so does the
# compiler where another build system calls it.
. "${0%/*}/../lib/tap.sh" || exit 1

# What the C library's headers ask for when they serve 32-bit programs.
mkdir "$TMP/gnu"
touch "$TMP/gnu/stubs-32.h" "$TMP/gnu/stubs-x32.h"
cd "$SFSHM_SOURCE" || exit 1
found=(-I"$TMP" -I"/usr/include/$(gcc -print-multiarch)")
flags=(-std=gnu11 -D_GNU_SOURCE -fsyntax-only "${found[@]}" -Iinclude -Isrc)
headers=(-x c src/segment/layout.h)
says="sfshm is for 64-bit systems only"

gcc "${flags[@]}" -m32 -include pthread.h -x c /dev/null 2>"$TMP/err" ||
	skip_all "this compiler makes no 32-bit programs"
exits 0 "the layout compiles for 64 bits" gcc "${flags[@]}" "${headers[@]}"
for mode in -m32 -mx32; do
	exits 1 "... but not with $mode" gcc "${flags[@]}" $mode "${headers[@]}"
	like "$(cat "$TMP/err")" "$says" "... which the compiler explains"
done

exits 1 "CMake refuses -m32" env CFLAGS="-m32 ${found[*]}" cmake -B "$TMP/build" -S . \
	-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY
like "$(xargs <"$TMP/err")" "$says" "... and says why"
done_testing
