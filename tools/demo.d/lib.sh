# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The functions that the demo's steps share: to print, to check, to clear up.
# shellcheck disable=SC2034

LC_ALL=C # also for the point in EPOCHREALTIME
export LC_ALL

bold='' good='' bad='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' good=$'\e[32m' bad=$'\e[31m' plain=$'\e[0m'
fi

failed=0
segments=()
servers=()      # the pids of the server that runs: the master is the first
servers_status= # 0 if all of its processes ended with 0
tmp=
nap= # a descriptor that nothing ever arrives on

die()
{
	echo "demo: $*" >&2
	exit 1
}

title()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

note()
{
	printf '    %s\n' "$@"
}

# figure NAME VALUE: prints both
figure()
{
	printf '    %-40s %s\n' "$1" "$2"
}

# check CLAIM COMMAND...: prints ok if the command succeeds, else NO
check()
{
	local claim=$1
	shift
	if "$@" >/dev/null 2>&1; then
		printf '    %sok%s  %s\n' "$good" "$plain" "$claim"
	else
		printf '    %sNO%s  %s\n' "$bad" "$plain" "$claim"
		failed=$((failed + 1))
	fi
}

# us TIME: prints a value of EPOCHREALTIME in microseconds
us()
{
	echo "${1/./}"
}

# ms_between TIME TIME: prints the time between them
ms_between()
{
	local us=$(($(us "$2") - $(us "$1")))

	printf '%d.%d ms' $((us / 1000)) $((us % 1000 / 100))
}

# doze SECONDS: sleeps, without starting a process
doze()
{
	read -r -t "$1" -u "$nap" || true
}

# wait_for SECONDS COMMAND...: repeats the command until it succeeds; fails if
# that takes longer
wait_for()
{
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		doze 0.002
	done
}

# lines FILE [PATTERN]: prints how many lines match
lines()
{
	if [ -e "$1" ]; then
		grep -c -e "${2:-}" "$1" || true
	else
		echo 0
	fi
}

# line_is_there N FILE PATTERN: succeeds if N lines or more match
line_is_there()
{
	[ "$(lines "$2" "$3")" -ge "$1" ]
}

is_alive()
{
	kill -0 "$1" 2>/dev/null
}

is_gone()
{
	! is_alive "$1"
}

# sleepers SEGMENT KEY N: succeeds if N callers wait for the key's flight
sleepers()
{
	sfshm-dump -s "$1" --json --key "$2" | grep -q "\"waiters\": *$3\b"
}

# counter SEGMENT NAME: prints its value
counter()
{
	sfshm-dump -s "$1" --json |
		sed -n "s/.*\"$2\": *\([0-9]*\).*/\1/p" | head -n 1
}

# picture SEGMENT ARGUMENT...: prints what sfshm-dump shows, with at most 5 rows
# of participants
picture()
{
	note "\$ sfshm-dump -s $*"
	sfshm-dump -s "$@" | awk '
		/^$/ {
			if (rows > 5)
				print "... and", rows - 5, "like these"
			rows = 0
		}
		/^PID / || rows {
			if (++rows > 5)
				next
		}
		{ print }
	' | sed 's/^/    | /'
}

# reap PID: waits for the process and returns its exit status; hides bash's own
# note about a killed process
reap()
{
	wait "$1" 2>/dev/null
}

# servers_end: ends the server by SIGTERM. A master ends its workers; if it were
# killed, they would live on.
servers_end()
{
	local pid

	servers_status=0
	for pid in "${servers[@]}"; do
		! jobs -pr | grep -qx "$pid" || kill -TERM "$pid"
	done
	for pid in "${servers[@]}"; do
		reap "$pid" || servers_status=$?
	done
	servers=()
}

clear_up()
{
	local status=$? pid segment

	trap '' INT TERM HUP
	servers_end
	for pid in $(jobs -pr); do
		kill -KILL "$pid" && wait "$pid"
	done 2>/dev/null
	for segment in "${segments[@]}"; do
		sfshm-ctl unlink -s "$segment"
	done >/dev/null 2>&1
	[ -z "$tmp" ] || rm -rf "$tmp"
	exit "$status"
}

prepare_to_clear_up()
{
	trap clear_up EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/sfshm-demo.XXXXXX") || exit 1
	mkfifo -m 600 "$tmp/nap" && exec {nap}<>"$tmp/nap" || exit 1
}
