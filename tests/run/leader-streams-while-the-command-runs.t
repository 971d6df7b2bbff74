#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
printf out
printf err >&2
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

spawn_run -k key -- "$TMP/work" >"$TMP/leader.out" 2>"$TMP/leader.err"
leader=$!
ok "output is there while the command runs" \
	wait_until grep -q out "$TMP/leader.out"
ok "errors are, too" wait_until grep -q err "$TMP/leader.err"
spawn_run -k key -- true >"$TMP/follower.out" 2>"$TMP/follower.err"
follower=$!
waiters key 1
is "$(cat "$TMP/follower.out" "$TMP/follower.err")" "" \
	"a follower has nothing yet"
touch "$TMP/go"
ends 0 "both end well" $leader $follower
is "$(cat "$TMP/follower.out" "$TMP/follower.err")" outerr \
	"a follower has it all at the end"
is "$(cat "$TMP/leader.out" "$TMP/leader.err")" outerr \
	"the leader has it once"
done_testing
