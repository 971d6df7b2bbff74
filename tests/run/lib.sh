# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# What the tests of sfshm-run share; comes after tap.sh.
export TMP
touch "$TMP/log"

# run ARGUMENT...: sfshm-run in this test's segment
run()
{
	sfshm-run -s "$segment" "$@"
}

# spawn_run ARGUMENT...: the same in the background; its pid is in $!
spawn_run()
{
	spawn sfshm-run -s "$segment" "$@"
}

# waiters KEY N: waits until N callers sleep for the key
waiters()
{
	wait_until waiters_now "$@" || fail "$2 callers wait for $1"
}

waiters_now()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		grep -q "\"waiters\": *$2\b"
}

# logged REGEX [N]: waits until the log has N (1) such lines or more
logged()
{
	wait_until logged_now "$@" || fail "the log tells of $1"
}

logged_now()
{
	[ "$(grep -c -- "$1" "$TMP/log")" -ge "${2:-1}" ]
}

# script NAME: makes the script on standard input a command, $TMP/NAME
script()
{
	{
		echo '#!/bin/bash'
		cat
	} >"$TMP/$1"
	chmod +x "$TMP/$1"
}

# gone PID: it is no more, or waits to be reaped
gone()
{
	! grep -qs '^State:.*[^ZX] (' "/proc/$1/status"
}

# ends STATUS DESCRIPTION PID...: with this status, as the shell shows it
ends()
{
	local want=$1 what=$2 pid got=()

	shift 2
	for pid in "$@"; do
		wait "$pid" 2>/dev/null
		got+=($?)
	done
	is "$(printf '%s\n' "${got[@]}" | sort -u | xargs)" "$want" "$what"
}
