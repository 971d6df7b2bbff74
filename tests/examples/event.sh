# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Starts the event server and asks it for keys. The value of a key is what the
# test's function `print_value` prints, in a process of its own: $1 is the key.

# event_start WORKERS: sets $server to its pid
# shellcheck disable=SC2034
event_start()
{
	segment
	cat >"$TMP/command" <<-EOF
		#!/bin/bash
		TMP=$TMP
		$(declare -f print_value)
		print_value "\$1"
	EOF
	chmod +x "$TMP/command"
	spawn "$SFSHM_BUILD/examples/event-server" -s "$segment" \
		-l "$TMP/socket" -w "$1" -t 60000 "$TMP/command" \
		>"$TMP/out" 2>"$TMP/err"
	server=$!
	wait_until grep -q listening "$TMP/out" || {
		diag "$(cat "$TMP/err")"
		exit 1
	}
}

# herd [--half-closed] WORKERS EACH KEY...: herd.py in the background; its pid
# is in $!
herd()
{
	spawn "$SFSHM_SOURCE/tests/examples/herd.py" "$TMP/socket" "$@"
}

# ask KEY: prints the first worker's answer
ask()
{
	timeout 120 "$SFSHM_SOURCE/tests/examples/herd.py" \
		"$TMP/socket" 1 1 "$1" | tail -n 1
}

# waiters KEY N: so many clients wait for the key
waiters()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		grep -q "\"waiters\": *$2\b"
}
