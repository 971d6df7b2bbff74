#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Consumers can use what `cmake --install` installs through pkg-config and
# through find_package, shared and static, and the tools and manual pages work
# from there.
. "${0%/*}/../lib/tap.sh" || exit 1

prefix=$TMP/prefix
ok "it installs" cmake --install "$SFSHM_BUILD" --prefix "$prefix"
pc=$(find "$prefix" -name sfshm.pc)
libdir=${pc%/pkgconfig/*}
export PKG_CONFIG_PATH=$libdir/pkgconfig CMAKE_PREFIX_PATH=$prefix
version=$(sed -n 's/^#define SFSHM_VERSION "\(.*\)"/\1/p' \
	"$prefix/include/sfshm/version.h")

mkdir "$TMP/consumer"
cd "$TMP/consumer" || exit 1
cat >consumer.c <<'END'
#include <stdio.h>
#include <unistd.h>
#include <sfshm.h>

int main(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct sfshm *handle;

	if (sfshm_open_fd(&handle, sfshm_memfd("consumer", NULL), NULL) ||
	    sfshm_begin(handle, "k", 1, NULL, &flight, &result) !=
		    SFSHM_LEADER ||
	    sfshm_publish(&flight, "v", 1) || sfshm_close(handle))
		return 1;
	puts(sfshm_version());
	return 0;
}
END
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(sfshm ${version%.*} REQUIRED COMPONENTS static)
add_executable(shared consumer.c)
target_link_libraries(shared PRIVATE sfshm::sfshm)
add_executable(static consumer.c)
target_link_libraries(static PRIVATE sfshm::sfshm_static)
END

needs_library()
{
	readelf -d "$1" | grep -q 'NEEDED.*[[]libsfshm\.so\.0]'
}

cat >consumer.cc <<'END'
#include <cstdio>
#include <unistd.h>
#include <sfshm.h>
#include <sfshm/guard.hpp>

int main()
{
	struct sfshm *handle;
	sfshmxx::flight flight;
	sfshmxx::result result;

	if (sfshm_open_fd(&handle, sfshm_memfd("consumer", nullptr), nullptr) ||
	    flight.begin(handle, "k", nullptr, result) != SFSHM_LEADER ||
	    flight.publish("v") || sfshm_close(handle))
		return 1;
	std::puts(sfshm_version());
}
END

is "$(pkg-config --modversion sfshm)" "$version" "pkg-config knows the version"

# shellcheck disable=SC2046
ok "pkg-config: a shared consumer builds" gcc -o pc-shared consumer.c \
	$(pkg-config --cflags --libs sfshm)
ok "... and needs libsfshm.so.0" needs_library ./pc-shared
is "$(LD_LIBRARY_PATH=$libdir ./pc-shared)" "$version" "... and runs"
# shellcheck disable=SC2046
ok "... and one in C++" g++ -std=c++17 -o pc-cxx consumer.cc \
	$(pkg-config --cflags --libs sfshm)
is "$(LD_LIBRARY_PATH=$libdir ./pc-cxx)" "$version" "... which runs"

# shellcheck disable=SC2046
ok "pkg-config: a static consumer builds" gcc -o pc-static consumer.c \
	$(pkg-config --cflags sfshm) \
	$(pkg-config --libs --static sfshm | sed 's/-lsfshm/-l:libsfshm.a/')
is "$(needs_library ./pc-static; echo $?)" 1 "... and needs no libsfshm.so"
is "$(./pc-static)" "$version" "... and runs"

ok "find_package: it configures" cmake -B build
ok "find_package: it builds" cmake --build build
ok "find_package: the shared one needs libsfshm.so.0" \
	needs_library build/shared
is "$(build/shared)" "$version" "... and runs"
is "$(needs_library build/static; echo $?)" 1 "the static one does not"
is "$(build/static)" "$version" "... and runs"

sed -i 's/sfshm [0-9.]* REQUIRED/sfshm 9.9 REQUIRED/' CMakeLists.txt
exits 1 "find_package: a newer version is refused" cmake -B other

tools=(sfshm-run sfshm-dump sfshm-ctl)
[ -e "$SFSHM_BUILD/tools/sfshm-top" ] && tools+=(sfshm-top)
for tool in "${tools[@]}"; do
	exits 0 "$tool runs from the prefix" \
		env -u LD_LIBRARY_PATH "$prefix/bin/$tool" --help
	ok "$tool has its manual page" test -f "$prefix/share/man/man1/$tool.1"
done
for function in sfshm_begin sfshm_publish sfshm_view_slot; do
	ok "$function(3) is there" grep -q "$function" \
		<(cd "$prefix/share/man" && mandoc -T man "man3/$function.3")
done
ok "there is sfshm.ffi.h" test -f "$prefix/include/sfshm.ffi.h"
ok "there is sfshm(7)" test -f "$prefix/share/man/man7/sfshm.7"
done_testing
