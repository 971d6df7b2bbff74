#!/bin/bash
# SPDX-License-Identifier: MIT
#
# 200 clients of each of 8 workers ask for one key at once: one worker runs the
# command. It is killed; another one runs it, and all clients of those that live
# get its value. No worker has a thread but its own and the library's.
. "${0%/*}/../lib/tap.sh" || exit 1

segment
cat >"$TMP/command" <<-'EOF'
	#!/bin/bash
	echo "$PPID" >>"${0%/*}/started"
	until [ -e "${0%/*}/go" ]; do sleep 0.05; done
	echo "$PPID" >>"${0%/*}/done"
	echo "value of $1"
EOF
chmod +x "$TMP/command"

runs()
{
	[ "$(wc -l 2>/dev/null <"$TMP/started")" = "$1" ]
}

waiters()
{
	sfshm-dump -s "$segment" --json --key key | grep -q "\"waiters\": *$1\b"
}

# The most threads that a worker has.
threads()
{
	local pid

	for pid in $(pgrep -P "$server"); do
		find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l
	done | sort -n | tail -n 1
}

one_thread()
{
	[ "$(threads)" = 1 ]
}

spawn "$SFSHM_BUILD/examples/event-server" -s "$segment" -l "$TMP/socket" \
	-w 8 -t 60000 "$TMP/command" >"$TMP/out" 2>"$TMP/err"
server=$!
ok "the server listens" wait_until grep -q listening "$TMP/out"
spawn "$SFSHM_SOURCE/tests/examples/herd.py" "$TMP/socket" 8 200 key \
	>"$TMP/answers"
herd=$!
ok "1600 clients ask" wait_until grep -q asked "$TMP/answers"
ok "all but one wait" wait_until waiters 1599
ok "the command runs once" runs 1
is "$(threads)" 2 "each worker has its own thread and the library's"

kill -KILL "$(cat "$TMP/started")"
ok "another worker runs it" wait_until runs 2
ok "all clients of the others wait" wait_until waiters 1399
is "$(threads)" 2 "and no worker has more threads than before"

touch "$TMP/go"
wait "$herd"
is "$(grep -c gone "$TMP/answers")" 200 "the killed worker's clients have none"
is "$(grep -c 'value of key$' "$TMP/answers")" 1400 "all others have the value"
is "$(grep -c ^computed "$TMP/answers")" 1 "one of them by the run"
is "$(grep -c ^awaited "$TMP/answers")" 1399 "and the others by waiting for it"
is "$(wc -l <"$TMP/done")" 1 "the command has ended once"
ok "the library's threads go" wait_until one_thread
done_testing
