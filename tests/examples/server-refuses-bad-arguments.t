#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

program=$SFSHM_BUILD/examples/prefork-server

exits 2 "no data" "$program"
like "$(cat "$TMP/err")" ^usage: "says how"
exits 2 "an unknown option" "$program" -x "$TMP/sales"
exits 2 "no workers" "$program" -w 0 "$TMP/sales"
exits 2 "too many workers" "$program" -w 513 "$TMP/sales"
exits 2 "a port that is none" "$program" -p 65536 "$TMP/sales"
exits 2 "a number with a tail" "$program" -t 10s "$TMP/sales"
exits 2 "a negative number" "$program" -t -1 "$TMP/sales"

server_start -w 2
exits 1 "a port that is taken" "$program" -p "$port" "$TMP/sales"
like "$(cat "$TMP/err")" "port $port: Address already in use" "says which"

exits 1 "a segment that cannot be opened ends the server" \
	timeout 120 "$program" -s "$TMP/missing/segment" "$TMP/sales"
like "$(cat "$TMP/err")" "cannot open the segment: " "says why"
done_testing
