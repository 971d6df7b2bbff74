#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A project that has this one as a subdirectory gets the library, and nothing
# that it did not ask for: no build type, no warnings as errors, no tools, and
# no packages that only the tools need. It may be in C++, use another compiler or
# generator, link to the static library, and have its files optimised together.
. "${0%/*}/../lib/tap.sh" || exit 1

mkdir "$TMP/parent" "$TMP/bin"
cd "$TMP/parent" || exit 1
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(parent LANGUAGES C CXX)
add_subdirectory($SFSHM_SOURCE sfshm)
add_executable(app app.c)
target_link_libraries(app PRIVATE sfshm::sfshm)
add_executable(static app.cc)
target_compile_features(static PRIVATE cxx_std_17)
target_compile_options(static PRIVATE -Wall -Wextra -Wpedantic -Wconversion
	-Wsign-conversion -Werror)
target_link_libraries(static PRIVATE sfshm::sfshm_static)
END
cat >app.c <<'END'
#include <stdio.h>
#include <sfshm.h>

int main()
{
	return puts(sfshm_version()) < 0;
}
END

cat >app.cc <<'END'
#include <cstdio>
#include <sfshm.h>
#include <sfshm/guard.hpp>

int main()
{
	struct sfshm *handle;
	sfshmxx::flight flight;
	sfshmxx::result result;

	if (sfshm_open_fd(&handle, sfshm_memfd("app", nullptr), nullptr) ||
	    flight.begin(handle, "k", nullptr, result) != SFSHM_LEADER ||
	    flight.publish("v") || sfshm_close(handle))
		return 1;
	return std::puts(sfshm_version()) < 0;
}
END

# A machine that has nothing but what the library needs.
cat >"$TMP/bin/pkg-config" <<END
#!/bin/bash
case " \$* " in
*jansson* | *cmocka* | *urcu-cds* | *lmdb* | *hiredis*) exit 1 ;;
esac
exec $(command -v pkg-config) "\$@"
END
chmod +x "$TMP/bin/pkg-config"
export PATH=$TMP/bin:$PATH CMAKE_EXPORT_COMPILE_COMMANDS=ON

setting()
{
	sed -n "s/^$1:[A-Z]*=//p" build/CMakeCache.txt
}

exits 0 "it configures" cmake -B build
is "$(setting CMAKE_BUILD_TYPE)" "" "the parent's build type is left as it is"
for option in WERROR TOOLS TESTS EXAMPLES BENCH; do
	is "$(setting SFSHM_$option)" OFF "SFSHM_$option is off"
done
is "$(grep "\"command\"" build/compile_commands.json | grep -v "app\.cc" |
	grep -c -- -Werror)" 0 "no -Werror"
is "$(grep '"command"' build/compile_commands.json | grep 'app\.c -\|app\.c"' |
	grep -c -- '-Wall\|-fvisibility\|-std=')" 0 \
	"the parent's files are compiled as the parent says"
exits 0 "it builds" cmake --build build -j 2
version=$(sed -n 's/^#define SFSHM_VERSION "\(.*\)"/\1/p' \
	"$SFSHM_SOURCE/include/sfshm/version.h")
is "$(./build/app)" "$version" "... what runs"
is "$(./build/static)" "$version" "... from the static library, too"
is "$(find build -name 'sfshm-*' -type f -perm -u+x)" "" "no tool is built"

# another NAME SETTING...
another()
{
	exits 0 "$1: it configures" cmake -G Ninja -B "$1" "${@:2}"
	exits 0 "$1: it builds" cmake --build "$1"
	is "$("./$1/app")" "$version" "$1: ... what runs"
	is "$("./$1/static")" "$version" "$1: ... from the static library, too"
}

another clang -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	-DCMAKE_BUILD_TYPE=Debug
another together -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
	-DCMAKE_BUILD_TYPE=Release
done_testing
