#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo "command $$" >>"$TMP/log"
sleep 1000 &
echo "child $!" >>"$TMP/log"
setsid bash -c 'echo "session $$" >>"$TMP/log"; exec sleep 1000' &
(
	trap "" HUP INT QUIT TERM
	echo "deaf $BASHPID" >>"$TMP/log"
	exec sleep 1000
) &
(setsid bash -c '
	echo "orphan $$" >>"$TMP/log"
	exec </dev/null >/dev/null 2>&1
	exec sleep 1000' &)
echo "keeper $PPID" >>"$TMP/log"
wait
END

kinds="command child session deaf orphan"

# start: sets $leader; all the command's processes are there
start()
{
	local kind

	: >"$TMP/log"
	set -m
	spawn_run -k key -- "$TMP/work"
	leader=$!
	set +m
	for kind in keeper $kinds; do
		logged "^$kind"
	done
}

# dead HOW: nothing of it is left
dead()
{
	local kind pid

	for kind in $kinds keeper; do
		pid=$(sed -n "s/^$kind //p" "$TMP/log")
		ok "$1: the $kind is gone" wait_until gone "$pid"
	done
}

start
kill -KILL "$leader"
ends 137 "a killed leader" "$leader"
dead "leader killed"

start
kill -KILL -- "-$leader"
ends 137 "a killed process group" "$leader"
dead "group killed"

start
kill -TERM "$leader"
ends 143 "a terminated leader" "$leader"
dead "leader terminated"

# remains KIND...: ends those that nobody was left to end
remains()
{
	local kind

	for kind in "$@"; do
		kill -KILL "$(sed -n "s/^$kind //p" "$TMP/log")"
	done
}

# The kernel sees to the command, the leader to all the others.
start
keeper=$(sed -n 's/^keeper //p' "$TMP/log")
is "$(cat "/proc/$keeper/comm")" sfshm-keeper "the keeper has its own name"
kill -KILL "$keeper"
ends 125 "a killed keeper fails the leader" "$leader"
dead "keeper killed"

start
keeper=$(sed -n 's/^keeper //p' "$TMP/log")
kill -STOP "$keeper"
kill -KILL "$leader" "$keeper"
ends 137 "a leader killed with its keeper" "$leader"
kinds="command"
dead "both killed"
remains child session deaf orphan

is "$(run -k key -- echo again)" again "the key is free"
done_testing
