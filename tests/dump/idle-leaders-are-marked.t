#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-R10: a flight whose live leader has been idle is marked as perhaps
# abandoned.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

# dump OPTION...
dump()
{
	sfshm-dump -s "$segment" "$@"
}

segment idle
publish report
lead slow
wait_until seen "slots['slow']['idle_ms'] >= 1"

like "$(dump --abandoned 1ms --key slow)" 'slow .* abandoned\? idle for [0-9.]+m?s' \
	"the notes have the mark and the time"
is "$(dump --abandoned 365d | grep -c abandoned)" 0 "an idle time below the limit has none"
is "$(dump --abandoned 1ms --key report | grep -c abandoned)" 0 \
	"a key that nobody leads has none"
like "$(dump -o IDLE --noheadings --key slow)" '^ *[0-9.]+m?s$' "a column has the time"
like "$(dump -o IDLE --noheadings --key report)" '^ *-$' "which nobody has"

dump --abandoned 1ms --json >"$TMP/json"
is "$(json "$TMP/json" 'slots["slow"]["abandoned"]')" true "so has the JSON"
is "$(json "$TMP/json" 'slots["report"]["abandoned"]')" false "true or false"
is "$(json "$TMP/json" 'slots["report"]["idle_ms"]')" null "and null"

exits 2 "a check has a limit on it" sfshm-dump -s "$segment" --check idle=1ms
like "$(<"$TMP/out")" '^SFSHM CRITICAL - .*: idle [0-9.]+s \(slow\) \| idle=' "and names it"
exits 0 "which may not be reached" sfshm-dump -s "$segment" --check idle=365d
exits 2 "a wrong duration is refused" sfshm-dump -s "$segment" --abandoned soon

sfshm-run -s "$segment" --lock held -- sfshm-dump -s "$segment" --abandoned 0ms \
	--key held >"$TMP/out"
is "$(grep -c 'held .* busy' "$TMP/out")" 1 "a lock is held"
is "$(grep -c abandoned "$TMP/out")" 0 "and has no mark"

kill_leader
is "$(dump --abandoned 0ms --key slow | grep -c abandoned)" 0 "nor has a dead leader"

done_testing
