#!/bin/bash
# SPDX-License-Identifier: MIT
#
# 200 clients of each of 8 workers ask for four keys at once: each key's command
# runs once. The worker that runs one of them is killed; another one runs it,
# and all clients of those that live get its value. No worker has a thread but
# its own and the library's.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/event.sh" || exit 1

keys=(north east south west)
each_once=$(printf '1 %s\n' "${keys[@]}" | sort)

print_value()
{
	echo "$PPID $1" >>"$TMP/started"
	until [ -e "$TMP/go" ]; do sleep 0.05; done
	echo "$1" >>"$TMP/done"
	echo "value of $1"
}

runs()
{
	[ "$(wc -l 2>/dev/null <"$TMP/started")" = "$1" ]
}

# all_wait N: so many clients wait for each key
all_wait()
{
	local key

	for key in "${keys[@]}"; do
		waiters "$key" "$1" || return
	done
}

# counts: how often each line comes, as "2 line"
counts()
{
	sort | uniq -c | sed 's/^ *//'
}

# The names of all threads of the workers; a thread starts with its process's.
threads()
{
	local pid

	for pid in $(pgrep -P "$server"); do
		cat "/proc/$pid/task"/*/comm
	done | counts | paste -s -d ' '
}

threads_are()
{
	[ "$(threads)" = "$1" ]
}

event_start 8
herd 8 200 "${keys[@]}" >"$TMP/answers"
herd=$!
ok "1600 clients ask" wait_until grep -q asked "$TMP/answers"
ok "all but one of each key wait" wait_until all_wait 399
ok "each key has a run" wait_until runs 4
is "$(cut -d ' ' -f 2 "$TMP/started" | counts)" "$each_once" "and only one"
is "$(threads)" "8 event-server 8 sfshm-waits" \
	"each worker has its own thread and the library's, and no other"

leader=$(sed -n 's/ north$//p' "$TMP/started")
led=$(grep -c "^$leader " "$TMP/started")
kill -KILL "$leader"
ok "other workers run what the killed one ran" wait_until runs $((4 + led))
ok "all clients of the others wait" wait_until all_wait 349
ok "no worker has more threads than before, and the new one has one" \
	wait_until threads_are "8 event-server 7 sfshm-waits"

touch "$TMP/go"
wait "$herd"
is "$(grep -c gone "$TMP/answers")" 200 "the killed worker's clients have none"
is "$(grep -o 'value of .*$' "$TMP/answers" | counts)" \
	"$(printf '350 value of %s\n' "${keys[@]}" | sort -k 4)" \
	"all others have their key's value"
is "$(grep -c ^computed "$TMP/answers")" 4 "one of each key by the run"
is "$(grep -c ^awaited "$TMP/answers")" 1396 \
	"and the others by waiting for it"
is "$(counts <"$TMP/done")" "$each_once" "each key's command has ended once"
ok "the library's threads go" wait_until threads_are "8 event-server"
done_testing
