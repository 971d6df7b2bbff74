#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --keep: when a leader's own --timeout passes, its caller is let go, and the
# command goes on if others wait for it.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo "start $$" >>"$TMP/log"
echo first
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo second
echo end >>"$TMP/log"
exit "${1-0}"
END

# met KEY: the follower waits, or the leader has ended
met()
{
	waiters_now "$1" 1 || gone "$leader"
}

mkfifo "$TMP/pipe"
read_pipe()
{
	cat "$TMP/pipe" >"$TMP/leader.out"
	touch "$TMP/closed"
}

# together KEY OPTION...: starts a leader with --keep and a follower that comes
# in time; sets $leader, $follower and $seconds. On a busy machine a second is
# too short for that.
together()
{
	local key=$1

	shift
	for ((seconds = 1; seconds < 1000; seconds *= 2)); do
		rm -f "$TMP/go"
		: >"$TMP/log"
		spawn read_pipe
		spawn_run -k "$key" "$@" --keep --timeout ${seconds}s \
			--json-status 3 -- "$TMP/work" \
			>"$TMP/pipe" 2>"$TMP/leader.err" 3>"$TMP/json"
		leader=$!
		logged start
		spawn_run -k "$key" "$@" -- true >"$TMP/out"
		follower=$!
		wait_until met "$key"
		! waiters_now "$key" 1 || return 0
		wait $leader $follower
		wait_until test -e "$TMP/closed"
		rm -f "$TMP/closed"
	done
	fail "a follower comes in time"
}

for how in "" "--file --dir $TMP"; do
	rm -f "$TMP/closed"
	# shellcheck disable=SC2086
	together key $how
	ends 124 "--keep $how: the leader's time is over" "$leader"
	is "$(cat "$TMP/leader.err")" "sfshm-run: key key: --timeout passed after\
 ${seconds}000 ms; the command goes on for other callers" "... it is told"
	like "$(cat "$TMP/json")" '"leader":true,.*"exit":124,.*goes on for' \
		"... in JSON, too"
	ok "... its reader sees the end" wait_until test -e "$TMP/closed"
	is "$(cat "$TMP/leader.out")" first "... of the first part"
	is "$(grep -c end "$TMP/log")" 0 "... while the command runs"
	touch "$TMP/go"
	ends 0 "... the follower" "$follower"
	is "$(cat "$TMP/out")" $'first\nsecond' "... gets its output"
	is "$(grep -c start "$TMP/log")" 1 "... of one run"
done

rm -f "$TMP/go"
: >"$TMP/log"
exits 124 "with nobody waiting" \
	run -k alone --keep --timeout 200ms -- "$TMP/work"
like "$(cat "$TMP/err")" "key alone: --timeout ended the command" "... it ends"
ok "... at once" gone "$(sed -n 's/^start //p' "$TMP/log")"

touch "$TMP/go"
exits 3 "a run in time" run -k key --keep --timeout 2m -- "$TMP/work" 3
exits 137 "... that is killed" \
	run -k key --keep --timeout 2m -- bash -c 'kill -KILL $$'
rm "$TMP/go"
for signal in TERM KILL; do
	: >"$TMP/log"
	spawn_run -k key --keep --timeout 2m -- "$TMP/work" >/dev/null
	leader=$!
	logged start
	kill -$signal $leader
	ends $((128 + $(kill -l $signal))) "a leader with SIG$signal" $leader
	ok "... takes its command with it" wait_until gone \
		"$(sed -n 's/^start //p' "$TMP/log")"
done
exits 125 "--keep with a lock" run --lock a --keep --timeout 1s -- true
done_testing
