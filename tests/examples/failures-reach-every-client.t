#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

segment
server_start -w 4 -t 60000 -s "$segment"
crowd north 4
ok "3 workers wait for one" waiters "$segment" north 3
ok "garbage is read" feed garbage
crowd_wait
is "$(statuses "$TMP"/north.*)" "4 502" "all clients are told"
is "$(bodies "$TMP"/north.*)" 1 "all the same"
like "$(cat "$TMP/north.1")" "/sales:1: not a sale" "and why"
is "$(makers north | wc -l)" 1 "it was tried once"

crowd nowhere 4
ok "3 workers wait for one" waiters "$segment" nowhere 3
ok "data without the key are read" feed 2024-01-01,north,p1,c1,1000
crowd_wait
is "$(statuses "$TMP"/nowhere.*)" "4 404" "what does not exist is 404 for all"

# Of another program that shares the segment.
sfshm-run -s "$segment" -k south --ttl 60s -- printf '%600s' x >"$TMP/long"
crowd south 1
crowd_wait
is "$(statuses "$TMP"/south.*)" "1 503" "what is no report is not sent as one"
is "$(makers south)" "" "nor is one made in its place"

# A failure lives for 500 ms.
forgotten()
{
	local age

	age=$(sfshm-dump -s "$segment" --json --key north |
		sed -n 's/.*"age_ms": *\([0-9]*\).*/\1/p')
	[ "$age" -gt 500 ]
}

ok "a failure is forgotten soon" wait_until forgotten
crowd north 1
ok "the data are read" feed 2024-01-01,north,p1,c1,1000
crowd_wait
is "$(statuses "$TMP/north.1")" "1 200" "and the report is made then"
done_testing
