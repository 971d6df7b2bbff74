# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A Redis server for tests of fleets; comes after tap.sh. $url names it.

command -v redis-server >/dev/null || skip_all "redis-server is not installed"
command -v python3 >/dev/null || skip_all "no Python here (package python3)"
[ -e "$SFSHM_BUILD/src/libsfshm-redis.so.0" ] ||
	skip_all "libsfshm-redis is not built"
# shellcheck disable=SC2034 # for the tests
url="unix:$TMP/engine.sock?ns=t"

# start_engine: its pid is in $engine
start_engine()
{
	spawn redis-server --port 0 --unixsocket "$TMP/engine.sock" --save '' \
		--appendonly no --dir "$TMP" --loglevel warning \
		>>"$TMP/engine.log" 2>&1
	engine=$!
	wait_until engine_has PING '[+]PONG' || fail "the engine answers"
}

stop_engine()
{
	local pid others=()

	for pid in "${tap_children[@]}"; do
		[ "$pid" = "$engine" ] || others+=("$pid")
	done
	tap_children=("${others[@]}")
	kill -KILL "$engine"
	wait "$engine" 2>/dev/null
}

# engine_has COMMAND REGEX: a line of the engine's reply is like that
engine_has()
{
	python3 -c '
import re, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\r\nQUIT\r\n")
text = s.makefile(newline="").read()
sys.exit(not re.search(sys.argv[3], text))' "$TMP/engine.sock" "$@" 2>/dev/null
}

# blocked N: waits until N hosts wait for another one
blocked()
{
	wait_until engine_has "INFO clients" "blocked_clients:$1\\r" ||
		fail "$1 hosts wait"
}

# requests SEGMENT: how many requests the engine had from that host
requests()
{
	sfshm-dump -s "$1" --json |
		sed -n 's/.*"fleet_requests": *\([0-9]*\).*/\1/p' | head -n 1
}
