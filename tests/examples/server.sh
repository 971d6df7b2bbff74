# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Starts the example server and talks to it. Its data come through a pipe, so
# that a test decides how long a report takes: until `feed`.

# server_start ARGUMENT...: sets $server to its pid and $port
# shellcheck disable=SC2034
server_start()
{
	mkfifo "$TMP/sales"
	spawn "$SFSHM_BUILD/examples/prefork-server" "$@" "$TMP/sales" \
		>"$TMP/server.out" 2>"$TMP/server.log"
	server=$!
	wait_until grep -q listening "$TMP/server.out" || {
		diag "$(cat "$TMP/server.log")"
		exit 1
	}
	port=$(sed 's/.*://' "$TMP/server.out")
}

# http TEXT: sends it, backslashes as in printf, and prints the answer
http()
{
	(
		exec 3<>"/dev/tcp/127.0.0.1/$port" || exit
		printf '%b' "$1" >&3
		timeout 120 cat <&3
	) 2>/dev/null
}

get()
{
	http "GET /report?key=$1 HTTP/1.1\r\nHost: here\r\n\r\n"
}

# crowd KEY N: asks N times at once; the answers go to $TMP/KEY.1 ...
crowd()
{
	local i

	clients=()
	for ((i = 1; i <= $2; i++)); do
		get "$1" >"$TMP/$1.$i" &
		clients+=($!)
	done
}

crowd_wait()
{
	local client

	for client in "${clients[@]}"; do
		wait "$client"
	done
}

# waiters SEGMENT KEY N: N workers sleep until the report is made
waiters()
{
	wait_until waiters_now "$@"
}

waiters_now()
{
	sfshm-dump -s "$1" --json --key "$2" | grep -q "\"waiters\": *$3\b"
}

# feed LINE...: the file of sales, for whoever reads it; fails if nobody does
feed()
{
	printf '%s\n' "$@" |
		timeout 120 dd of="$TMP/sales" bs=64k status=none
}

# The workers that began the report on a region, in order.
makers()
{
	sed -n "s/.*\[\(.*\)\] making the report on $1\$/\1/p" "$TMP/server.log"
}

# logged N TEXT: the server's log has N such lines or more
logged()
{
	[ "$(grep -c -- "$2" "$TMP/server.log")" -ge "$1" ]
}

# header NAME FILE...: its values, one a line
header()
{
	sed -n "s/^$1: \(.*\)\r\$/\1/p" "${@:2}"
}

# statuses FILE...: how many answers of each status, as "31 200"
statuses()
{
	sed -n 's|^HTTP/1.1 \([0-9]*\) .*|\1|p' "$@" | sort | uniq -c |
		sed 's/^ *//' | paste -s -d ' '
}

# bodies FILE...: how many bodies there are that differ
bodies()
{
	local file

	for file in "$@"; do
		sed '1,/^\r$/d' "$file" | cksum
	done | sort -u | wc -l
}
