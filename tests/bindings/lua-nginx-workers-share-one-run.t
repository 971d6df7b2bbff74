#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B6: the Lua binding in nginx with four workers. A herd on one key makes
# one run; so does a herd after the value's end. If the leader's worker is
# killed, another one runs the work, and only the requests of the dead one fail.
# A reload loses no request and makes no second run. Work that leaves by
# os.exit(), ngx.exit() or an error leaves no key stuck. 10,000 keys are made
# once each. After its end nginx has left nothing behind.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/lua/nginx.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/python/servers.sh" || exit 1

[ -z "$(no_nginx)" ] || skip_all "$(no_nginx)"
# What servers.sh runs: its client, and clocks.
# shellcheck disable=SC2034
python=$(command -v python3) || skip_all "no Python here, for the client"
# shellcheck disable=SC2034 # servers.sh reads it
leaves="exit ngxexit exec throw"

start()
{
	: >"$RUNS"
	nginx_conf "$TMP/nginx.conf" 4
	spawn "$nginx" -e "$TMP/nginx.log" -c "$TMP/nginx.conf" \
		>"$TMP/server.log" 2>&1
	# shellcheck disable=SC2034
	server=$!
	ok "$name: it starts" wait_until answers
}

# A worker has many requests in flight, and dies with all of them.
try "nginx" 16
done_testing
