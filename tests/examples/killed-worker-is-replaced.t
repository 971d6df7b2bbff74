#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

segment
server_start -w 8 -t 60000 -s "$segment"
ok "all workers start" wait_until logged 8 ' started$'
crowd north 8
ok "7 workers wait for one" waiters "$segment" north 7
first=$(makers north)
kill -KILL "$first"
ok "another one begins" wait_until logged 2 'making the report on north'
second=$(makers north | tail -n 1)
is "$([ "$first" != "$second" ] && echo differ)" differ "it is not the dead one"
ok "the master sees the death" \
	wait_until logged 1 "worker $first died of signal 9"
ok "and starts a new worker" wait_until logged 9 ' started$'

ok "the data are read" feed 2024-01-01,north,p1,c1,1000
crowd_wait
is "$(makers north | wc -l)" 2 "the report was begun twice in all"
is "$(statuses "$TMP"/north.*)" "7 200" "7 clients have an answer"
is "$(find "$TMP" -name 'north.*' -empty | wc -l)" 1 \
	"the killed worker's client has none"
find "$TMP" -name 'north.*' -empty -delete
is "$(bodies "$TMP"/north.*)" 1 "they have the same"
is "$(header X-Sfshm "$TMP"/north.* | sort | uniq -c | tr -s ' \n' ' ')" \
	" 6 awaited 1 computed " "six waited for one"

crowd south 8
ok "all eight places are manned again" waiters "$segment" south 7
ok "the data are read" feed 2024-01-01,south,p1,c1,1000
crowd_wait
is "$(statuses "$TMP"/south.*)" "8 200" "and serve"
done_testing
