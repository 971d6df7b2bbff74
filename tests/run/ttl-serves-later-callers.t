#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo run >>"$TMP/log"
echo "$1"
exit "$1"
END

runs()
{
	wc -l <"$TMP/log"
}

exits 0 "a success with a lifetime" run -k good --ttl 1h -- "$TMP/work" 0
exits 0 "... is there for the next" run -k good -- "$TMP/work" 1
is "$(cat "$TMP/out")" 0 "... with its output"
is "$(runs)" 1 "... and without a run"

exits 3 "a failure with a success's lifetime" \
	run -k bad --ttl 1h -- "$TMP/work" 3
exits 4 "... is not kept" run -k bad --ttl 1h -- "$TMP/work" 4
is "$(runs)" 3 "... but run again"

exits 5 "a failure with one of its own" \
	run -k worse --neg-ttl 1h -- "$TMP/work" 5
exits 5 "... is there for the next" run -k worse -- "$TMP/work" 0
is "$(cat "$TMP/out")" 5 "... with its output"
is "$(runs)" 4 "... and without a run"

exits 0 "a success with a failure's lifetime" \
	run -k fine --neg-ttl 1h -- "$TMP/work" 0
exits 6 "... is not kept" run -k fine --neg-ttl 1h -- "$TMP/work" 6
is "$(runs)" 6 "... but run again"

exits 0 "a short life" run -k short --ttl 300ms -- "$TMP/work" 0
expired()
{
	run -k short -- "$TMP/work" 0 >/dev/null
	[ "$(runs)" -eq 8 ]
}
ok "... ends" wait_until expired
done_testing
