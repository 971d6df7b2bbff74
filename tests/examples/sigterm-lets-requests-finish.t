#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

before=$(ls /dev/shm)
server_start -w 4
ok "all workers start" wait_until logged 4 ' started$'
workers=$(sed -n 's/.*\[\(.*\)\] started$/\1/p' "$TMP/server.log")

any_left()
{
	local worker

	for worker in $workers; do
		kill -0 "$worker" 2>/dev/null && return
	done
	return 1
}

none_left()
{
	! any_left
}

crowd north 1
ok "a worker is busy" wait_until logged 1 making
kill -TERM "$server"
ok "the master is told" wait_until logged 1 "shutting down: Terminated"
is "$(get south)" "" "the server takes no more requests"
ok "the data are read" feed 2024-01-01,north,p1,c1,1000
crowd_wait
is "$(statuses "$TMP/north.1")" "1 200" "the request is served to its end"
wait "$server"
is $? 0 "the server exits with status 0"
ok "no worker is left" none_left
is "$(comm -13 <(echo "$before") <(ls /dev/shm) | grep prefork)" "" \
	"its own segment leaves nothing in /dev/shm"

rm "$TMP/sales" "$TMP/server.out"
server_start -w 4
ok "all workers start" wait_until logged 4 ' started$'
workers=$(sed -n 's/.*\[\(.*\)\] started$/\1/p' "$TMP/server.log")
{ kill -KILL "$server"; wait "$server"; } 2>/dev/null
ok "a killed master takes its workers along" wait_until none_left
done_testing
