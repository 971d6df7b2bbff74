#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

# An answer is fresh for 200 ms, and good enough for a minute more while one
# process asks anew.
segment
upstream_start
echo old >"$up/files/a"
asks old fetched "the server is asked" -t 200 /a
ok "the answer runs out" older /a 200

touch "$up/hold"
echo new >"$up/files/a"
crowd 1 -t 60000 -g 60000 /a
ok "one process asks anew" wait_until requests_are /a 2
asks old "cached, stale" "the others have the old one at once" \
	-g 60000 /a
spawn "$SFSHM_BUILD/examples/metadata-cache" -s "$segment" -g 0 \
	"$server" /a >"$TMP/out.late" 2>"$TMP/err.late"
late=$!
ok "who takes no stale ones waits" waiters /a 1

rm "$up/hold"
crowd_wait
is "$statuses" "1 0" "the one that asked succeeds"
is "$(<"$TMP/out.0")" new "and has the new answer"
wait "$late"
is "$(<"$TMP/out.late")" new "so has the one that waited"
asks new cached "and whoever comes now" -g 60000 /a
is "$(requests /a)" 2 "the server was asked twice in all"
done_testing
