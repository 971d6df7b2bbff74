#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

segment
upstream_start
touch "$up/hold"
crowd 6 -n 600000 /a
ok "one asks the server" wait_until requests_are /a 1
ok "the others wait" waiters /a 5
rm "$up/hold"
crowd_wait
is "$statuses" "6 1" "there is no such thing"
is "$(sort -u "$TMP"/err.*)" "metadata-cache: /a: not found" "all are told so"
is "$(cat "$TMP"/out.*)" "" "and nothing else"
echo here >"$up/files/a"
fails "not found" "it is remembered" /a
is "$(requests /a)" 1 "without asking the server"

fails "not found" "another one is remembered for less long" -n 200 /b
echo here | tee "$up/files/b" >"$up/files/b2"
ok "it is forgotten" older /b 200
asks here fetched "and found, now that it is there" /b

asks here fetched "a third one is there" -t 200 -e 600000 /b2
ok "the answer runs out" older /b2 200
rm "$up/files/b2"
fails "not found" "gone is no failure: the old answer does not stand in" \
	-e 600000 -n 600000 /b2
fails "not found" "nor later" -e 600000 /b2
done_testing
