#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --follow-output
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# The run waits after each line for the file go.N.
script work <<'END'
for i in $(seq "$1"); do
	echo "out $i"
	echo "err $i" >&2
	echo "step $i" >>"$TMP/log"
	until [ -e "$TMP/go.$i" ]; do sleep 0.02; done
done
exit "$2"
END

# has N FILE: a follower has printed N lines
has()
{
	[ "$(wc -l <"$2")" -eq "$1" ]
}

# fresh: forgets the last case
fresh()
{
	rm -f "$TMP"/go.* "$TMP"/*.out
	: >"$TMP/log"
}

spawn_run -k key --follow-output -- "$TMP/work" 3 7 >"$TMP/leader.out" 2>&1
leader=$!
logged "step 1"
for i in 1 2; do
	spawn_run -k key --follow-output -- false >"$TMP/f$i.out" 2>&1
	eval "f$i=\$!"
done
spawn_run -k key -- false >"$TMP/late.out" 2>&1
late=$!
waiters key 3
ok "a follower has what came before it" wait_until has 2 "$TMP/f1.out"
touch "$TMP/go.1"
ok "... and what comes, while the command runs" \
	wait_until has 4 "$TMP/f1.out"
ok "... as the others have" wait_until has 4 "$TMP/f2.out"
is "$(cat "$TMP/late.out")" "" "a follower that does not ask for it has not"
touch "$TMP/go.2" "$TMP/go.3"
# shellcheck disable=SC2154
ends 7 "all have the command's status" $leader "$f1" "$f2" $late
is "$(xargs <"$TMP/f1.out")" "out 1 err 1 out 2 err 2 out 3 err 3" \
	"the output is there once, and in the leader's order"
ok "... for the others, too" cmp "$TMP/f1.out" "$TMP/f2.out"

fresh
spawn_run -k plain -- "$TMP/work" 1 0 >/dev/null 2>&1
leader=$!
logged "step 1"
spawn_run -k plain --follow-output -- false >"$TMP/f1.out" 2>&1
f1=$!
waiters plain 1
touch "$TMP/go.1"
ends 0 "the leader has not asked for it" $leader $f1
is "$(xargs <"$TMP/f1.out")" "out 1 err 1" \
	"... so the output comes at the end"

# Both of the leader's followers have seen a half when one of them leads.
line="sfshm-run: key dead: the run shown so far was given up; the output of\
 another run follows"
fresh
spawn_run -k dead --follow-output -- "$TMP/work" 2 7 >/dev/null 2>&1
leader=$!
logged "step 1"
for i in 1 2; do
	spawn_run -k dead --follow-output -- sh -c "echo second; exit 5" \
		>"$TMP/f$i.out" 2>&1
	eval "f$i=\$!"
done
waiters dead 2
for i in 1 2; do
	ok "follower $i has seen a half" wait_until has 2 "$TMP/f$i.out"
done
kill -KILL $leader
ends 137 "the leader is killed" $leader
ends 5 "its followers have the next run's status" "$f1" "$f2"
for i in 1 2; do
	is "$(cat "$TMP/f$i.out")" "out 1
err 1
$line
second" "follower $i: the half, a line, the next run"
done

# A long second run is followed, too.
fresh
spawn_run -k dead --follow-output -- "$TMP/work" 2 7 >/dev/null 2>&1
leader=$!
logged "step 1"
for i in 1 2 3; do
	quiet=()
	[ $i -lt 3 ] || quiet=(-q)
	spawn_run -k dead --follow-output "${quiet[@]}" -- "$TMP/work" 3 5 \
		>"$TMP/f$i.out" 2>&1
	eval "f$i=\$!"
done
waiters dead 3
for i in 1 2 3; do wait_until has 2 "$TMP/f$i.out"; done
kill -KILL $leader
ends 137 "the leader is killed" $leader
for i in 1 2 3; do
	ok "follower $i has the second run's first lines, while it runs" \
		wait_until has $((i < 3 ? 5 : 4)) "$TMP/f$i.out"
done
touch "$TMP"/go.{1,2,3}
ends 5 "... and the second run's status in the end" "$f1" "$f2" "$f3"
for i in 1 2; do
	is "$(sed -n 3p "$TMP/f$i.out")" "$line" \
		"follower $i: a line says that it is another run"
done
is "$(xargs <"$TMP/f3.out")" \
	"out 1 err 1 out 1 err 1 out 2 err 2 out 3 err 3" \
	"-q leaves out the line"

fresh
script much <<'END'
echo "step 1" >>"$TMP/log"
seq 400000
until [ -e "$TMP/go.1" ]; do sleep 0.02; done
seq 300000
END
{ seq 400000; seq 300000; } >"$TMP/much.wanted"
mkfifo "$TMP/pipe"
exec 8<>"$TMP/pipe"
spawn_run -k much --follow-output -- "$TMP/much" >"$TMP/leader.out" \
	2>"$TMP/err"
leader=$!
logged "step 1"
spawn_run -k much --follow-output -- false >"$TMP/pipe" 2>/dev/null
slow=$!
spawn_run -k much --follow-output -- false >"$TMP/f1.out" 2>&1
f1=$!
spawn_run -k much -- false >/dev/null 2>&1
late=$!
waiters much 3
touch "$TMP/go.1"
ends 0 "the leader and a follower wait for no slow follower" $leader $f1
ok "more than the largest value reaches a follower" \
	cmp "$TMP/f1.out" "$TMP/much.wanted"
ends 125 "... but only if it follows" $late
ok "the slow follower still writes" [ -d "/proc/$slow" ]
spawn cat "$TMP/pipe" >"$TMP/slow.out" 8<&-
reader=$!
exec 8<&-
ends 0 "... and succeeds" $slow
wait $reader
ok "... with the whole output" cmp "$TMP/slow.out" "$TMP/much.wanted"

# A slow follower's turn to lead comes: its reader holds up no run.
fresh
exec 8<>"$TMP/pipe"
spawn_run -k turn --follow-output -- "$TMP/much" >/dev/null 2>&1
leader=$!
logged "step 1"
# shellcheck disable=SC2016 # the command's shell expands it
spawn_run -k turn --follow-output -- sh -c 'echo ran >>"$TMP/log"' \
	>"$TMP/pipe" 2>"$TMP/err"
slow=$!
waiters turn 1
full()
{
	python3 -c 'import array, fcntl, termios
unread = array.array("i", [0])
fcntl.ioctl(8, termios.FIONREAD, unread)
raise SystemExit(unread[0] < 61440)'
}
ok "the pipe of a follower is full" wait_until full
kill -KILL $leader
ends 137 "the leader is killed" $leader
ok "a follower whose reader is slow leads at once" logged ran
exec 8<&-
ends 0 "the follower's own run succeeds" $slow

fresh
spawn_run -k filed --file --dir "$TMP" --follow-output -- "$TMP/work" 2 3 \
	>/dev/null 2>&1
leader=$!
logged "step 1"
spawn_run -k filed --file --dir "$TMP" --follow-output -- false \
	>"$TMP/f1.out" 2>&1
f1=$!
waiters filed 1
ok "--file: a follower has the output as it comes" \
	wait_until has 2 "$TMP/f1.out"
touch "$TMP"/go.{1,2}
ends 3 "--file: and the status" $leader $f1
is "$(xargs <"$TMP/f1.out")" "out 1 err 1 out 2 err 2" \
	"--file: and all of it, once"

# in_namespace MOUNT ARGUMENT...: run, where /var/tmp is another file system
in_namespace()
{
	local mount=$1

	shift
	# shellcheck disable=SC2016
	unshare -m sh -c '
mount --make-rprivate / && mount $0 /var/tmp && exec sfshm-run "$@"' \
		"$mount" -s "$segment" "$@"
}

# elsewhere MOUNT WHAT: a leader whose transcript is in that file system
elsewhere()
{
	local what=$2

	fresh
	if ! unshare -m sh -c "mount $1 /var/tmp" 2>/dev/null; then
		skip "cannot mount" "$what"
		return
	fi
	spawn in_namespace "$1" -k place --follow-output -- "$TMP/place" \
		>"$TMP/leader.out" 2>&1
	leader=$!
	logged "step 1"
	spawn_run -k place --follow-output -- false >"$TMP/f1.out" 2>&1
	f1=$!
	waiters place 1
	ok "$what: a follower has the beginning" \
		wait_until grep -q "^err 1" "$TMP/f1.out"
	touch "$TMP/go.1"
	ends 4 "$what: and the status" $leader "$f1"
	ok "$what: and all of it, once" \
		cmp <(sort "$TMP/f1.out") <(sort "$TMP/leader.out")
}

script place <<'END'
echo out 1
echo err 1 >&2
echo "step 1" >>"$TMP/log"
until [ -e "$TMP/go.1" ]; do sleep 0.02; done
seq 60000
seq 59999 >&2
exit 4
END
elsewhere "-t tmpfs -o size=64k none" "no room for the transcript"
elsewhere "--bind /proc" "a transcript in memory"

fresh
spawn_run -k late --follow-output -- "$TMP/work" 1 0 >/dev/null 2>&1
leader=$!
logged "step 1"
exits 124 "a follower's time is over" \
	run -k late --follow-output --timeout 2s -- false
is "$(cat "$TMP/out")" "out 1" "... and it has what has come"
spawn_run -k late --follow-output -- false >"$TMP/f1.out" 2>&1
f1=$!
wait_until has 2 "$TMP/f1.out"
child=$(xargs <"/proc/$f1/task/$f1/children")
kill -TERM $f1
ends 143 "a follower is sent a signal" $f1
ok "... and leaves no process" wait_until gone "$child"
touch "$TMP/go.1"
ends 0 "the leader goes on" $leader

exits 125 "no --stale-if-error" \
	run -k key --follow-output --stale-if-error 1h -- true
exits 125 "no --lock" run --lock key --follow-output -- true
done_testing
