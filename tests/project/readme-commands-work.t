#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The commands in README.md's blocks run as they stand, where nothing has been
# built before, with stand-ins for what they name (./report, a.jpg, ...). They
# install into a scratch root, at which the test points the compiler, CMake and
# the loader; sfshm-run finds a /dev/shm of the test's own. The test leaves out
# tools/check, which runs this test, and the packages, which
# packages-install-in-a-bare-root.t installs.
. "${0%/*}/../lib/readme.sh" || exit 1

clone=$TMP/clone
root=$TMP/root
here=$TMP/here
mkdir "$here"
copy_tree "$clone"

# How many there are, but for the one that lists the folders.
blocks()
{
	awk '
		/^```/ { fenced = !fenced }
		/^$/ { next }
		fenced || !/^    / { inside = 0; next }
		!inside && !/^    include\// { n++ }
		{ inside = 1 }
		END { print n }
	' "$readme"
}

# First what the others use.
export CMAKE_BUILD_PARALLEL_LEVEL=2
DESTDIR=$root run_block "$clone" Install 2
is "$(grep 'warning:' "$TMP/said")" "" "no compiler warns of anything"
ok "it is installed" test -x "$root/usr/local/bin/sfshm-run"
libdir=$(dirname "$(find "$root/usr/local" -name libsfshm.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
export CMAKE_PREFIX_PATH=$root/usr/local

# A /dev/shm that lasts as long as the process which has it.
stand_ins "$here" "$TMP/ran"
spawn unshare -rm bash -c \
	"mount -t tmpfs none /dev/shm && touch $TMP/apart && exec sleep 1000"
apart=$!
if wait_until eval "[ -e $TMP/apart ] || ! kill -0 $apart" &&
	[ -e "$TMP/apart" ]; then
	inside=(nsenter -t "$apart" -U -m --preserve-credentials
		env -C "$here" "PATH=$here:$root/usr/local/bin:$PATH")
	run_block "$here" "From the shell" 1
	run_block "$here" "From the shell" 2
	# shellcheck disable=SC2034 # run_block uses it
	inside=()
	is "$(xargs <"$TMP/ran")" "report thumb get-token backup thumb" \
		"each of them ran once"
else
	skip "there are no mount namespaces to be had" "From the shell"
fi

# report.c, by the compiler and by CMake.
awk '/^```/ { inside = $0 == "```c"; next } inside' "$readme" >"$here/report.c"
run_block "$here" "From C" 1
segment
mkdir "$TMP/bin"
printf '#!/bin/sh\necho "42M /usr"\n' >"$TMP/bin/du"
chmod +x "$TMP/bin/du"
is "$(PATH=$TMP/bin:$PATH ./a.out "$segment")" "42M /usr" "what it built works"

{
	echo 'cmake_minimum_required(VERSION 3.25)'
	echo 'project(app LANGUAGES C)'
	echo 'add_executable(app report.c)'
	block Install 3
} >"$here/CMakeLists.txt"
ok "find_package: it configures" cmake -B "$here/build"
ok "find_package: it builds" cmake --build "$here/build"
is "$(PATH=$TMP/bin:$PATH "$here/build/app" "$segment")" "42M /usr" "... what finds the report"

# The demo fails unless each of its claims holds, and it clears up.
mkdir "$TMP/demo"
TMPDIR=$TMP/demo run_block "$clone" "" 1
! command -v apt-get >/dev/null || is "$(sed -n '/^Left out/,/^$/p' "$TMP/said")" "" \
	"the demo leaves no server out where it can install them"
is "$(ls "$TMP/demo")" "" "the demo's folder is gone"
is "$(blocks)" 7 "there are no blocks that nobody tries"
done_testing
