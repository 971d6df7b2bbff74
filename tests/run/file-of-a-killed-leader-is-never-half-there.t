#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-S6: a leader that is killed leaves nothing in the directory; a
# follower runs the command anew.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
mkdir "$TMP/files"

script work <<'END'
echo run >>"$TMP/log"
echo half
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo whole
END

spawn_run -k key --file --dir "$TMP/files" -- "$TMP/work" >"$TMP/leader.out"
leader=$!
logged run
spawn_run -k key --file --dir "$TMP/files" --json-status 3 -- "$TMP/work" \
	>"$TMP/next.out" 3>"$TMP/json"
next=$!
waiters key 1
kill -KILL $leader
ends 137 "the leader is killed" $leader
logged run 2
is "$(find "$TMP/files" | wc -l)" 1 "nothing is left of its file"
touch "$TMP/go"
ends 0 "the follower takes over" $next
is "$(xargs <"$TMP/next.out")" "half whole" "... and has the whole output"
like "$(cat "$TMP/json")" '"owner_died":true' "... and knows why"
is "$(find "$TMP/files" -type f | wc -l)" 1 "there is one file"
done_testing
