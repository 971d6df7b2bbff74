#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B6: a request of nginx may leave the callback by ngx.exit(), or by the
# end of its client; the one that waits leads at once, though the worker lives
# on, and though another location answers then. A client that closes takes its
# wait along. Without the line in log_by_lua, the garbage collector releases the
# key. A timer's work outlives a reload.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/lua/nginx.sh" || exit 1

[ -z "$(no_nginx)" ] || skip_all "$(no_nginx)"

end_client()
{
	kill -KILL "$1"
	wait "$1"
} 2>/dev/null

collected()
{
	ask collect >/dev/null
	[ -s "$TMP/second" ]
}

renewed()
{
	[ "$(ask pid)" != "$worker" ]
}

ended()
{
	! kill -0 "$worker" 2>/dev/null
}

segment
serve 1
worker=$(ask pid)

ask_later first "forever?key=left"
first=$!
wait_until begun left 1
ask_later second "forever?key=left"
second=$!
waiters left 1
end_client "$first"
wait "$second"
is "$(cat "$TMP/second")" "made at last" \
	"the leader's client closes: the one that waits leads"

ask_later first "forever?key=waits"
first=$!
wait_until begun waits 1
ask_later second "forever?key=waits"
second=$!
waiters waits 1
end_client "$second"
ok "the client of one that waits closes: it waits no more" \
	wait_until waiters_now waits 0
end_client "$first"

ask_later first "unreleased?key=unreleased" # its location has no log_by_lua
first=$!
wait "$first"
begun unreleased 1 || fail "it has begun"
ask_later second "unreleased?key=unreleased"
second=$!
wait_until collected
wait "$second"
is "$(cat "$TMP/second")" "made at last" \
	"without log_by_lua the garbage collector releases the key"

ask keep >/dev/null
for way in moved passed; do
	is "$(ask "$way?key=$way")" sorry "$way: another location answers"
	begun "$way" 1 || fail "it has begun"
	ask_later second "$way?key=$way"
	wait_until [ -s "$TMP/second" ]
	is "$(cat "$TMP/second")" "made at last" "... and releases the key"
	rm -f "$TMP/second"
done
ask collect >/dev/null

: >"$HOLD"
is "$(ask "timer?key=timer")" begun "a timer's work begins"
wait_until begun timer 1
ask_later waiting "work?key=timer"
waiting=$!
waiters timer 1
kill -HUP "$server"
wait_until renewed
ask_later new "work?key=timer"
new=$!
waiters timer 2
rm "$HOLD"
wait "$waiting" "$new"
is "$(cat "$TMP/waiting" "$TMP/new")" "made by ${worker}made by $worker" \
	"old and new workers get its value, after a reload"
is "$(grep -c "^timer " "$RUNS")" 1 "... of one run"
ok "the old worker ends" wait_until ended

for i in 1 2 3 4 5 6 7 8; do
	spawn bash -c "for i in {1..20}; do curl -s --unix-socket '$TMP/socket' \
http://here/short?key=short >/dev/null; sleep 0.05; done"
	asking[i]=$!
done
wait "${asking[@]}"
# Lifetimes are counted by a clock that is up to 10 ms behind.
is "$(awk 'NR > 1 && $1 < last + 2.8e8 { early++ } { last = $2 }
	END { print (NR > 1) + 0, early + 0 }' "$RUNS.short")" "1 0" \
	"a value of 300 ms: several runs, and no two within a lifetime"
is "$(grep -c '\[alert\]\|\[crit\]\|exited on signal' "$TMP/nginx.log")" 0 \
	"nginx has nothing to complain of"
stop_here "at the end"
done_testing
