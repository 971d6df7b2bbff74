#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The library's policies, as options of sfshm-run -k.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script stay <<'END'
echo "$1 $$" >>"$TMP/log"
until [ -e "$TMP/go.$1" ]; do sleep 0.02; done
echo "$1"
END

# old KEY: the key has a value, "old", past its lifetime
old()
{
	run -k "$1" --ttl 1ms --stale-if-error 1h -- echo old >"$TMP/out" &&
		wait_until past "$1"
}

past()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		grep -q '"ttl_ms": 0, "value_bytes": 36,'
}

ok "an old value" old grace
spawn_run -k grace --ttl 1h -- "$TMP/stay" new >"$TMP/leader"
leader=$!
logged new
exits 0 "--grace: a caller while another renews it" \
	run -k grace --grace 1h --json-status 3 -- false 3>"$TMP/json"
is "$(cat "$TMP/out")" old "... gets the old value"
like "$(cat "$TMP/json")" '"source":"cached".*"stale":true' "... and knows it"
touch "$TMP/go.new"
ends 0 "... until it is renewed" $leader
is "$(run -k grace --grace 1h -- false)" new "... and then the new one"

ok "an old value" old error
exits 0 "--stale-if-error: a caller whose command fails" \
	run -k error --stale-if-error 1h --json-status 3 -- \
	sh -c 'echo bad; echo worse >&2; exit 3' 3>"$TMP/json"
is "$(cat "$TMP/out" "$TMP/err")" old "... gets the old value, and no other"
like "$(cat "$TMP/json")" '"exit":0,.*failed with status 3".*"stale":true' \
	"... and knows it"
exits 4 "... but the failure, if there is no value" \
	run -k none --stale-if-error 1h -- sh -c 'echo bad; exit 4'
is "$(cat "$TMP/out")" bad "... with its output"
exits 0 "... and the new value after a success" \
	run -k error --stale-if-error 1h --ttl 1h -- echo new
is "$(cat "$TMP/out")" new "... whole"

exits 0 "a fresh value" run -k again --ttl 1h -- echo one
exits 0 "--refresh: runs the command" run -k again --ttl 1h --refresh -- echo two
is "$(cat "$TMP/out" && run -k again -- false)" $'two\ntwo' \
	"... and replaces the value"

early()
{
	run -k early --ttl 5s --beta 1000 -- sh -c 'sleep 0.1; echo r' >/dev/null
	[ "$(sfshm-dump -s "$segment" --json | grep -o '"early": [0-9]*')" != \
		'"early": 0' ]
}
ok "--beta: a caller renews a value before its end" wait_until early

spawn_run -k broken -- "$TMP/stay" doomed
leader=$!
logged doomed
kill -KILL $leader
ends 137 "a leader dies" $leader
exits 125 "--breaker: the next caller" run -k broken --breaker 1:1h -- true
like "$(cat "$TMP/err")" "key broken: its leaders keep dying, and --breaker" \
	"... runs nothing"
exits 0 "... unless it takes more deaths" run -k broken --breaker 2:1h -- true

spawn_run -k many -- "$TMP/stay" many >/dev/null
leader=$!
logged many
spawn_run -k many --max-waiters 1 -- true >/dev/null
follower=$!
waiters many 1
exits 124 "--max-waiters: one too many" run -k many --max-waiters 1 -v -- true
like "$(cat "$TMP/err")" "key many: 1 callers wait already" "... is told"
exits 124 "-n: a caller while another leads" run -k many -n -v -- true
is "$(cat "$TMP/err")" "sfshm-run: key many: another call runs the command;\
 leave out -n to wait" "... is told"
touch "$TMP/go.many"
ends 0 "... and the others go on" $leader $follower
exits 0 "... and a caller leads when nobody does" run -k many -n -- true

spawn_run -k slow --lock-age 200ms -- "$TMP/stay" slow >"$TMP/slow.out" \
	2>"$TMP/slow.err"
leader=$!
logged slow
pid=$(sed -n 's/^slow //p' "$TMP/log")
exits 0 "--lock-age: another caller takes the flight" \
	run -k slow --lock-age 1h -- echo mine
is "$(cat "$TMP/out")" mine "... and runs its command"
ends 125 "... the leader's call fails" $leader
like "$(cat "$TMP/slow.err")" "key slow: after --lock-age another caller" \
	"... and says why"
ok "... and its command is gone" gone "$pid"

refused()
{
	local what=$1 regex=$2
	shift 2
	exits 125 "$what" run "$@" -- true
	like "$(cat "$TMP/err")" "^sfshm-run: $regex" "... says why"
}
refused "--beta 0" "--beta 0: give a number above 0" -k a --beta 0
refused "--breaker 3" "--breaker 3: give N:DUR" -k a --breaker 3
refused "--breaker 32:1s" "--breaker 32: give a number from 1 to 31" \
	-k a --breaker 32:1s
refused "--breaker 3:0" "--breaker 3:0: the time must be" -k a --breaker 3:0
refused "five tags" "--tag e: a result has at most 4 tags" \
	-k a --tag a --tag b --tag c --tag d --tag e
refused "--grace with a lock" "--grace does not go with --lock" \
	--lock a --grace 1s
refused "--tag with --file" "--tag does not go with --file" \
	-k a --file --tag a
done_testing
