#!/bin/bash
# SPDX-License-Identifier: MIT
#
# 32 clients, 16 workers: one makes the report, 15 wait for it, and the 16
# requests that no worker had taken up yet find it there.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

segment
server_start -w 16 -t 60000 -s "$segment"
crowd north 32
ok "15 workers wait for one" waiters "$segment" north 15
ok "the data are read" feed \
	2024-01-01,north,p1,c1,1000 \
	2024-01-02,south,p1,c1,7000 \
	2024-01-03,north,p2,c2,3000
crowd_wait

is "$(makers north | wc -l)" 1 "the report was made once"
is "$(statuses "$TMP"/north.*)" "32 200" "all clients have an answer"
is "$(bodies "$TMP"/north.*)" 1 "all have the same"
is "$(sed '1,/^\r$/d' "$TMP/north.1")" "region   north
sales    2
revenue  40.00
mean     20.00
largest  30.00" "it is the right one"
is "$(header X-Sfshm "$TMP"/north.* | sort | uniq -c | tr -s ' \n' ' ')" \
	" 15 awaited 16 cached 1 computed " "the answers say where it came from"
is "$(header X-Sfshm-Generation "$TMP"/north.* | sort -u | wc -l)" 1 \
	"all answers are of one generation"
is "$(grep -l 'X-Sfshm: computed' "$TMP"/north.* |
	xargs sed -n 's/^X-Sfshm-Worker: \(.*\)\r$/\1/p')" "$(makers north)" \
	"the one that made it names itself"
done_testing
