#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The commands in README.md's blocks run as they stand, where nothing has been
# built before, with stand-ins for what they name (./report, a.jpg, ...). They
# install into a scratch root, at which the test points the compiler, CMake and
# the loader; sfshm-run finds a /dev/shm of the test's own. The test leaves out
# tools/check only, which runs this test.
. "${0%/*}/../lib/tap.sh" || exit 1

readme=$SFSHM_SOURCE/README.md
clone=$TMP/clone
root=$TMP/root
here=$TMP/here
mkdir "$clone" "$here"

# What a clone would have: the tree, and nothing that was built in it.
(
	cd "$SFSHM_SOURCE" || exit
	git ls-files -z --cached --others --exclude-standard 2>/dev/null ||
		find . -path ./build -prune -o -type f -print0
) | tar -c -C "$SFSHM_SOURCE" --ignore-failed-read --null --files-from=- \
	2>/dev/null | tar -x -C "$clone"

# block SECTION N: prints the Nth indented block of "## SECTION"
block()
{
	awk -v section="$1" -v wanted="$2" '
		/^```/ { fenced = !fenced }
		/^## / { now = substr($0, 4); n = 0 }
		/^$/ { next }
		fenced || !/^    / { inside = 0; next }
		!inside { inside = 1; n++ }
		now == section && n == wanted { print substr($0, 5) }
	' "$readme"
}

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

# run_block WHERE SECTION N: its commands, one after the other
inside=()
run_block()
{
	local command n=0

	cd "$1" || exit
	while IFS= read -r command; do
		[[ $command != "#"* && $command != ./tools/check* ]] || continue
		exits 0 "$command" "${inside[@]}" bash -c "$command"
		cat "$TMP/out" "$TMP/err" >>"$TMP/said"
		n=$((n + 1))
	done < <(block "$2" "$3")
	ok "block $3 of \"$2\" has commands" [ $n -gt 0 ]
}

# First what the others use.
export CMAKE_BUILD_PARALLEL_LEVEL=2
DESTDIR=$root run_block "$clone" Install 1
is "$(grep 'warning:' "$TMP/said")" "" "no compiler warns of anything"
ok "it is installed" test -x "$root/usr/local/bin/sfshm-run"
libdir=$(dirname "$(find "$root/usr/local" -name libsfshm.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
export CMAKE_PREFIX_PATH=$root/usr/local

# A /dev/shm that lasts as long as the process which has it.
touch "$here/a.jpg" "$here/b.jpg"
for command in report thumb get-token backup; do
	printf '#!/bin/sh\necho %s >>%q\n' $command "$TMP/ran" >"$here/$command"
	chmod +x "$here/$command"
done
spawn unshare -rm bash -c \
	"mount -t tmpfs none /dev/shm && touch $TMP/apart && exec sleep 1000"
apart=$!
if wait_until eval "[ -e $TMP/apart ] || ! kill -0 $apart" &&
	[ -e "$TMP/apart" ]; then
	inside=(nsenter -t "$apart" -U -m --preserve-credentials
		env -C "$here" "PATH=$here:$root/usr/local/bin:$PATH")
	run_block "$here" "From the shell" 1
	run_block "$here" "From the shell" 2
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
	block Install 2
} >"$here/CMakeLists.txt"
ok "find_package: it configures" cmake -B "$here/build"
ok "find_package: it builds" cmake --build "$here/build"
is "$(PATH=$TMP/bin:$PATH "$here/build/app" "$segment")" "42M /usr" "... what finds the report"

# The demo fails unless each of its claims holds, and it clears up.
mkdir "$TMP/demo"
TMPDIR=$TMP/demo run_block "$clone" "" 1
is "$(ls "$TMP/demo")" "" "the demo's folder is gone"
is "$(blocks)" 6 "there are no blocks that nobody tries"
done_testing
