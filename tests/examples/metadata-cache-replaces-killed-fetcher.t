#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

segment
upstream_start
echo one >"$up/files/a"
touch "$up/hold"
crowd 8 -t 60000 /a
ok "one asks the server" wait_until requests_are /a 1
ok "7 others wait for it" waiters /a 7
first=$(leader /a)
like "${pids[*]}" "(^| )$first( |$)" "it is one of the crowd"
kill -KILL "$first"
ok "another one asks" wait_until requests_are /a 2
second=$(leader /a)
is "$([ "$first" != "$second" ] && echo differ)" differ "it is not the dead one"

rm "$up/hold"
crowd_wait
is "$statuses" "7 0 1 137" "7 succeed"
is "$(sort "$TMP"/out.* | uniq -c | xargs)" "7 one" "and have the answer"
is "$(cat "$TMP"/err.* | grep -c 'fetched, .*, the last fetcher died')" 1 \
	"the one that took over was told of it"
is "$(requests /a)" 2 "the server was asked twice in all"
done_testing
