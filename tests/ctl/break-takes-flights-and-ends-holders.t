#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment break
ctl=(sfshm-ctl -s "$segment")
lead slow
spawn sfshm-run -s "$segment" -k slow -- echo mine >"$TMP/follower"
follower=$!
wait_until seen "slots['slow']['waiters'] == 1"

exits 1 "it does not break without a question" "${ctl[@]}" break slow </dev/null
like "$(<"$TMP/err")" "no terminal to ask on; give --yes" "... and says so"
if ! command -v script >"$TMP/out"; then
	skip "no script(1)" "it asks"
	skip "no script(1)" "no is no"
else
	echo n | script -qec "${ctl[*]} break slow" "$TMP/typescript" >"$TMP/out" 2>&1
	like "$(<"$TMP/typescript")" \
		"slow: led by process $leader \(sfshm-run .*-k slow -- sleep 1000\) for .*; 1 wait.*\[y/N\]" \
		"it asks, and names the leader and how long"
	like "$(<"$TMP/typescript")" "nothing has changed" "no is no"
fi
is "$(sfshm-dump -s "$segment" -o OWNER --noheadings --key slow)" "$leader" \
	"the leader leads still"
exits 0 "--yes takes the flight" "${ctl[@]}" break slow --yes
like "$(<"$TMP/out")" "took slow from process $leader" "... which is said"
wait_until seen "slots['slow']['owner'] and slots['slow']['owner']['pid'] == $follower"
is $? 0 "a follower leads"
# sfshm-run begins its command when that of the last leader is gone.
kill_leader
wait "$follower"
is "$(<"$TMP/follower")" mine "... and has its own result"

# successor KEY: another caller leads it
successor()
{
	spawn sfshm-run -s "$segment" -k "$1" --refresh -- sleep 1000 \
		>"$TMP/successor"
	wait_until seen "slots['$1']['phase'] == 'busy'"
}

# late KEY [COMMAND...]: breaks it, and says yes when the flight that the
# question is about is over and the command has run; returns the exit status
late()
{
	local asker answer

	rm -f "$TMP/late" "$TMP/end" "$TMP/answer"
	mkfifo "$TMP/answer"
	spawn sfshm-run -s "$segment" -k "$1" --ttl 1h -- sh -c \
		"until [ -e '$TMP/end' ]; do sleep 0.02; done; echo first" \
		>"$TMP/first"
	wait_until seen "slots['$1']['phase'] == 'busy'"
	spawn bash -c "exec script -qefc '${ctl[*]} break $1' '$TMP/late' \
		<'$TMP/answer' >'$TMP/out' 2>&1"
	asker=$!
	exec {answer}>"$TMP/answer"
	wait_until grep -q 'y/N' "$TMP/late"
	touch "$TMP/end"
	wait_until eval "sfshm-ctl get '$1' -s '$segment' >'$TMP/value'"
	"${@:2}"
	echo y >&"$answer"
	exec {answer}>&-
	wait "$asker"
}

if ! command -v script >"$TMP/out"; then
	skip "no script(1)" "the flight has ended before the answer"
else
	late published
	is $? 1 "the flight has ended before the answer"
	like "$(<"$TMP/late")" "nobody leads or holds it; nothing has changed" \
		"... which is said"
	is "$(sfshm-run -s "$segment" -k published -- echo again)" first \
		"... and its value stays"
	late succeeded successor succeeded
	is $? 1 "another flight has begun before the answer"
	like "$(<"$TMP/late")" "another thread leads it now; nothing has changed" \
		"... which is said"
	ok "... and goes on" seen "slots['succeeded']['phase'] == 'busy'"
fi

lead stuck
exits 0 "--end ends the leader, too" "${ctl[@]}" break stuck --end --yes
is "$(<"$TMP/out")" "asked process $leader to end; the key is free when it has" \
	"... which is said"
wait "$leader"
is $? 143 "... by SIGTERM"

spawn sfshm-run -s "$segment" --lock door -- sleep 1000
holder=$!
wait_until seen "slots['door']['phase'] == 'busy'"
spawn sfshm-run -s "$segment" --lock door -- sleep 1000
next=$!
wait_until seen "slots['door']['waiters'] == 1"
exits 0 "a lock's holder is asked to end" "${ctl[@]}" break door --yes
is "$(<"$TMP/out")" "asked process $holder to end; the key is free when it has" \
	"... which is said"
wait_until seen "slots['door']['owner'] and slots['door']['owner']['pid'] == $next"
is $? 0 "the next one has the lock"
wait "$holder"
is $? 143 "the holder was ended by SIGTERM"

exits 1 "nobody leads" "${ctl[@]}" break nothing --yes
like "$(<"$TMP/err")" "nobody leads or holds it" "... which is said"
lead door
exits 1 "a value and a lock of one name" "${ctl[@]}" break door --yes
like "$(<"$TMP/err")" "give --kind value or --kind lock" "... are told apart"
exits 0 "by --kind" "${ctl[@]}" break door --yes --kind value
exits 2 "a semaphore cannot be broken" "${ctl[@]}" break x --kind semaphore
done_testing
