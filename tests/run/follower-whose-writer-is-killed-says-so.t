#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --follow-output leaves the printing to a child process. If the child is
# killed while it prints, nobody knows what the reader has got, so the call
# fails; if it is killed while it waits, the call prints the rest itself. A
# QUIT, which the terminal sends to the call as well, is none of its business.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# One write of 60000 bytes is one frame of the transcript.
script work <<'END'
[ "$1" = lines ] || python3 -c 'import os; os.write(1, b"x" * 60000)'
for i in 1 2; do
	echo "line $i"
	echo "step $i" >>"$TMP/log"
	until [ -e "$TMP/go.$i" ]; do sleep 0.02; done
done
echo last
exit 7
END

# lead KIND: starts a run for the key KIND
lead()
{
	rm -f "$TMP"/go.*
	: >"$TMP/log"
	spawn_run -k "$1" --follow-output -- "$TMP/work" "$1" \
		>"$TMP/leader.out" 2>/dev/null
	leader=$!
	logged "step 1"
}

# child_of PID: sets $child to the process that prints for it
child_of()
{
	local pid

	for pid in $(<"/proc/$1/task/$1/children"); do
		child=$pid
		[ "$(<"/proc/$pid/comm")" != sfshm-output ] || return 0
	done
	return 1
}

# has N FILE: a follower has printed N lines
has()
{
	[ "$(wc -l <"$2")" -eq "$1" ]
}

# full: the pipe at descriptor 8 takes no more
full()
{
	python3 -c 'import array, fcntl, sys, termios
unread = array.array("i", [0])
fcntl.ioctl(8, termios.FIONREAD, unread)
raise SystemExit(unread[0] < int(sys.argv[1]))' "$size"
}

sleeps()
{
	grep -q "^State:.*S (" "/proc/$1/status"
}

# The pipe is smaller than the frame, so the child is amid a frame.
mkfifo "$TMP/pipe"
exec 8<>"$TMP/pipe"
size=$(python3 -c 'import fcntl; print(fcntl.fcntl(8, 1031, 4096))')
lead much
spawn_run -k much --follow-output -- false >"$TMP/pipe" 2>"$TMP/err"
follower=$!
waiters much 1
ok "the follower's child writes to a full pipe" wait_until full
child_of $follower
kill -KILL "$child"
wait_until gone "$child"
spawn cat "$TMP/pipe" >"$TMP/f.out" 8<&-
reader=$!
exec 8<&-
touch "$TMP"/go.{1,2}
ends 7 "the leader ends as its command does" $leader
ends 125 "a follower whose child was killed amid a write fails" $follower
is "$(cat "$TMP/err")" "sfshm-run: key much: the child process that writes the\
 output was killed, so the output is not whole; try again" "... and says why"
wait $reader

lead lines
spawn_run -k lines --follow-output -- false >"$TMP/f.out" 2>&1
follower=$!
waiters lines 1
wait_until has 1 "$TMP/f.out"
child_of $follower
kill -QUIT "$child"
touch "$TMP/go.1"
ok "after a QUIT the child prints on" wait_until has 2 "$TMP/f.out"
# Its file makes no writer sleep, so it sleeps only to wait.
wait_until sleeps "$child"
kill -KILL "$child"
wait_until gone "$child"
touch "$TMP/go.2"
ends 7 "a follower whose child was killed amid a wait has the run's status" \
	"$leader" "$follower"
is "$(xargs <"$TMP/f.out")" "line 1 line 2 last" "... and all output, once"
done_testing
