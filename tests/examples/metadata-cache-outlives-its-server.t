#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

segment
upstream_start
echo good >"$up/files/a"
asks good fetched "the server is asked" -t 200 -e 600000 /a
ok "the answer runs out" older /a 200

echo 503 >"$up/status"
touch "$up/hold"
crowd 6 -g 0 -e 600000 /a
ok "one asks anew" wait_until requests_are /a 2
ok "the others wait" waiters /a 5
rm "$up/hold"
crowd_wait
is "$statuses" "6 0" "the server fails, and all have an answer"
is "$(sort "$TMP"/out.* | uniq -c | xargs)" "6 good" "the last good one"
is "$(sed 's/^[^ ]* [a-z]*, \(.*\), gen.*/\1/' "$TMP"/err.* | sort -u)" \
	"stale, the server fails" "all are told"
is "$(requests /a)" 2 "the server was asked once for all of them"

fails "the work failed: status 503" "who takes no stale ones is told why" \
	-g 0 -e 0 /a
# Whoever asks while the failure is fresh is told of it; so ask until asked.
asked_anew()
{
	ask -g 0 -e 600000 /a
	[ "$(requests /a)" -gt "$1" ]
}
rm "$up/status"
echo half >"$up/files/a"
touch "$up/short"
ok "the server answers again" wait_until asked_anew "$(requests /a)"
is "$(<"$TMP/out")" good "half an answer is not taken for one"
rm "$up/short"
upstream_stop
ok "a failure is forgotten" older /a 500
asks good "cached, stale, the server fails" \
	"the answer outlives the server" -g 0 -e 600000 /a
fails "the work failed: Connection refused" "who takes no stale ones is told" \
	-g 0 -e 0 /a
done_testing
