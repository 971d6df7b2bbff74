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
# servers.sh runs its client by this, and reads clocks.
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

all_wait()
{
	sfshm-dump -s "$SEGMENT" --json --key killed | grep -q '"waiters": *15\b'
}

# Replaces killed_leader() of servers.sh: one worker of nginx may accept all
# requests, so the leader's worker is stopped when it has the first one.
killed_leader()
{
	local leader asking died

	: >"$HOLD"
	spawn get 1 "/work?key=killed" >"$TMP/dead"
	asking=$!
	wait_until ran killed 1
	leader=$(leader_of killed)
	kill -STOP "$leader"
	spawn get 15 "/work?key=killed" >"$TMP/alive"
	after=$!
	ok "$name: 15 wait beside a leader that is stopped" wait_until all_wait
	died=$("$python" -c "import os, signal, time
print(time.monotonic_ns())
os.kill($leader, signal.SIGKILL)")
	wait_until ran killed 2
	diag "$name: the next run began" \
		"$((($(begun_at killed) - died) / 1000)) us after the death"
	rm "$HOLD"
	wait "$asking" "$after"
	is "$(cut -d' ' -f1,2 "$TMP/dead" "$TMP/alive" | xargs)" "1 none 15 200" \
		"$name: if the leader is killed, all but its own request are answered"
	is "$(runs_of killed)" 2 "... by one more run"
}

try "nginx" 1
done_testing
