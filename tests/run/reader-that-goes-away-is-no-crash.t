#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo start >>"$TMP/log"
seq 100000
until [ -e "$TMP/go" ]; do sleep 0.02; done
seq 1000
exit 6
END
seq 100000 >"$TMP/wanted"
seq 1000 >>"$TMP/wanted"

# piped: the leader's reader takes one line and goes
piped()
{
	run -k key --neg-ttl 1h -- "$TMP/work" 2>"$TMP/leader.err" |
		head -n 1 >"$TMP/leader.out"
	echo "${PIPESTATUS[0]}" >"$TMP/leader.status"
}

spawn piped
leader=$!
logged start
spawn_run -k key -- true >"$TMP/follower.out"
follower=$!
waiters key 1
touch "$TMP/go"
ends 6 "the follower gets the status" $follower
ok "... and all of the output" cmp "$TMP/wanted" "$TMP/follower.out"
wait $leader
is "$(cat "$TMP/leader.status")" 6 "so does the leader that lost its reader"
is "$(cat "$TMP/leader.err")" "" "... without a word"

run -k key -- true 2>"$TMP/err" | head -n 1 >"$TMP/out"
is "${PIPESTATUS[0]}" 6 "so does a caller that finds it"
is "$(cat "$TMP/err")" "" "... without a word"
is "$(cat "$TMP/out")" 1 "... and its reader has its line"

# Nobody can get this: it is beyond sharing, and the reader is gone.
timeout 120 sfshm-run -s "$segment" -k endless -- yes 2>"$TMP/err" |
	head -n 1 >"$TMP/out"
is "${PIPESTATUS[0]}" 141 "a command without end ends by SIGPIPE"
is "$(cat "$TMP/err")" "" "... without a word"
done_testing
