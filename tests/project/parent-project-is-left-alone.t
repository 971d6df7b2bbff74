#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A project that has this one as a subdirectory gets the library, and nothing
# that it did not ask for: no build type, no warnings as errors, no tools, and
# no packages that only the tools need.
. "${0%/*}/../lib/tap.sh" || exit 1

mkdir "$TMP/parent" "$TMP/bin"
cd "$TMP/parent" || exit 1
cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(parent LANGUAGES C)
add_subdirectory($SFSHM_SOURCE sfshm)
add_executable(app app.c)
target_link_libraries(app PRIVATE sfshm::sfshm)
END
cat >app.c <<'END'
#include <stdio.h>
#include <sfshm.h>

int main()
{
	return puts(sfshm_version()) < 0;
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
is "$(grep -c -- -Werror build/compile_commands.json)" 0 "no -Werror"
is "$(grep '"command"' build/compile_commands.json | grep 'app\.c' |
	grep -c -- '-Wall\|-fvisibility\|-std=')" 0 \
	"the parent's files are compiled as the parent says"
exits 0 "it builds" cmake --build build -j 2
is "$(./build/app)" "$(sed -n 's/^#define SFSHM_VERSION "\(.*\)"/\1/p' \
	"$SFSHM_SOURCE/include/sfshm/version.h")" "... what runs"
is "$(find build -name 'sfshm-*' -type f -perm -u+x)" "" "no tool is built"
done_testing
