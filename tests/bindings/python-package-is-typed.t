#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3: the Python binding is a typed package: mypy knows the type of a
# value from the function that makes it, and finds nothing to say of the package
# itself, whether Django and dogpile.cache have types or not. pip has made it
# without a network, with its entry point for dogpile.cache.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/binding.sh" || exit 1

site=$SFSHM_BUILD/python/site
ok "the package says that it is typed" [ -f "$site/sfshm/py.typed" ]
ok "it has stubs for its extension" [ -f "$site/sfshm/_core.pyi" ]
is "$(cat "$site"/sfshm-*.dist-info/entry_points.txt | xargs)" \
	"[dogpile.cache] sfshm = sfshm.dogpile:SfshmBackend" \
	"dogpile.cache finds its backend"

command -v mypy >/dev/null || {
	skip "no mypy here (package mypy)" "types"
	done_testing
}
cat >"$TMP/right.py" <<'END_OF_PROGRAM'
import sfshm

cache = sfshm.Cache("x", ttl=5, grace=None)
number: int = cache.get_or_create("n", lambda: 5, tags=["t"])
text: str = cache.get_or_create("t", lambda: sfshm.Value("x", ttl=3))


@cache.memoize("k:{x}", ttl=None)
def double(x: int) -> int:
    return 2 * x


async def triple(x: int) -> int:
    return 3 * x


async def ask() -> int:
    text: str = await cache.aget_or_create("t", lambda: "x")
    async with cache.alock("l", timeout=3) as lock, cache.asemaphore("s", 2):
        died: bool = lock.owner_died
    return await cache.aget_or_create("n", lambda: triple(len(text)))


number = double(2)
fleet = sfshm.Cache("f", fleet="redis://h/0", fleet_options={"strict": True})
text = fleet.get_or_create("t", lambda: "x")
with cache.lock("l", timeout=3) as lock:
    number = lock.generation
END_OF_PROGRAM
cat >"$TMP/wrong.py" <<'END_OF_PROGRAM'
import sfshm

cache = sfshm.Cache("x")
text: str = cache.get_or_create("n", lambda: 5)
cache.get_or_create("n", lambda: 5, ttll=5)
END_OF_PROGRAM
types()
{
	MYPYPATH=$site mypy --strict --cache-dir "$TMP/mypy" \
		--python-executable "$python" "$@"
}
exits 0 "a program with the right types passes" types "$TMP/right.py"
diag "$(cat "$TMP/out")"
exits 1 "one with wrong types does not" types "$TMP/wrong.py"
is "$(grep -c ': error:' "$TMP/out")" 2 "... for its two faults"
exits 0 "the package itself passes" types --ignore-missing-imports -p sfshm
diag "$(cat "$TMP/out")"
done_testing
