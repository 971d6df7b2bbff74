#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

segment
upstream_start
echo one >"$up/files/a"
asks one fetched "the server is asked" -t 600000 /a
echo two >"$up/files/a"
ok "the answer grows older" older /a 200
asks one cached "it is fresh to those who do not say" /a
asks one cached "and to those who take ones so old" \
	-a 600000 /a
asks two fetched "but not to those who want a younger one" \
	-a 200 /a
asks two cached "which then serves all" /a

# The server's word counts more than the caller's -t.
echo 600 >"$up/max-age"
echo one >"$up/files/b"
asks one fetched "the server sets a lifetime" -t 1 /b
ok "the caller's own passes" older /b 100
asks one cached "the server's counts" /b
echo 0 >"$up/max-age"
echo three >"$up/files/c"
asks three fetched "it may forbid to keep the answer" -t 600000 /c
asks three fetched "so each one asks" -t 600000 /c
is "$(requests /c)" 2 "the server"
done_testing
