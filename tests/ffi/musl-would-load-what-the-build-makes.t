#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B2: musl keeps no room in the static block for libraries that are
# loaded late, and refuses those that want some. A build for musl makes the
# library's thread-local variables such that musl loads them. Debian has no
# liburcu for musl, so a small library stands in for this one, with the same
# flags.
. "${0%/*}/../lib/tap.sh" || exit 1

command -v musl-gcc >/dev/null || skip_all "no musl-gcc here (package musl-tools)"
cd "$TMP" || exit 1

# model COMPILER: the flags about thread-local variables of a build by it
model()
{
	cmake -S "$SFSHM_SOURCE" -B "build-$1" -DCMAKE_C_COMPILER="$1" \
		-DSFSHM_TOOLS=OFF >"$1.log" 2>&1 || cat "$1.log" >&2
	grep -o -- '-ftls-model=[a-z-]*' "build-$1/compile_commands.json" |
		sort -u
}

cat >plugin.c <<'END'
static __thread int calls;

int call(void)
{
	return ++calls;
}
END
cat >program.c <<'END'
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	int (*call)(void) = plugin ? (int (*)(void))dlsym(plugin, "call") : NULL;

	if (!call) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	return call() + call() != 3;
}
END
is "$(model gcc)" "-ftls-model=initial-exec" \
	"a build for glibc uses the static block"
is "$(model musl-gcc)" "" "a build for musl does not"
ok "a program for musl builds" musl-gcc -o program program.c
# shellcheck disable=SC2046
ok "... and a library with the flags of the build" \
	musl-gcc -shared -fPIC $(model musl-gcc) -o as-built.so plugin.c
# shellcheck disable=SC2046
ok "... and one with those for glibc" \
	musl-gcc -shared -fPIC $(model gcc) -o static.so plugin.c
exits 0 "musl loads the one with the flags of the build" \
	./program ./as-built.so
exits 1 "... and refuses the other" ./program ./static.so
like "$(cat err)" "initial-exec TLS" "... for its place in the static block"
done_testing
