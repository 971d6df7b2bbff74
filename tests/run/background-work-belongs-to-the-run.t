#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script filtered <<'END'
echo text > >(until [ -e "$TMP/go" ]; do sleep 0.02; done; tr a-z A-Z)
echo ended >>"$TMP/log"
END
spawn_run -k filter --ttl 1h -- "$TMP/filtered" >"$TMP/leader.out"
leader=$!
logged ended
spawn_run -k filter -- true >"$TMP/follower.out"
follower=$!
waiters filter 1
touch "$TMP/go"
ends 0 \
	"what holds the output is waited for" $leader $follower
is "$(cat "$TMP/leader.out" "$TMP/follower.out" | xargs)" "TEXT TEXT" \
	"... and its output is part of the result"

script daemon <<'END'
setsid sleep 1000 </dev/null >/dev/null 2>&1 &
echo "daemon $!" >>"$TMP/log"
echo started
END
exits 0 "a command that leaves a daemon" run -k daemon -- "$TMP/daemon"
is "$(cat "$TMP/out")" started "... has its output"
pid=$(sed -n 's/daemon //p' "$TMP/log")
ok "... the daemon lives" kill -0 "$pid"
exits 0 "... and holds up no later run" \
	timeout 120 sfshm-run -s "$segment" -k daemon -- true
kill -KILL "$pid"
done_testing
