#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script begin <<'END'
echo begun >>"$TMP/log"
exec "$@"
END

script work <<'END'
echo begun >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
seq 60000
seq 59999 >&2
END

mkfifo "$TMP/pipe"
exec 8<>"$TMP/pipe"
spawn_run -k key -- "$TMP/work" >"$TMP/pipe" 2>&1
leader=$!
logged begun
spawn_run -k key --timeout 2m -- false >"$TMP/out" 2>"$TMP/err"
follower=$!
waiters key 1
touch "$TMP/go"
ends 0 "a follower" $follower
ok "... has all that the leader's reader leaves" \
	cmp "$TMP/out" <(seq 60000)
ok "... of standard error, too" cmp "$TMP/err" <(seq 59999)
ok "the leader waits for its reader" [ -d "/proc/$leader" ]
spawn cat "$TMP/pipe" >"$TMP/leader.out"
exec 8<&-
ends 0 "... which comes in the end" $leader
all()
{
	[ "$(wc -l <"$TMP/leader.out")" -eq 119999 ]
}
ok "... and gets all" wait_until all

# As long as the pipe is open, its reader is not gone.
exec 8<>"$TMP/pipe"
spawn_run -k stuck --timeout 1s -- sh -c 'seq 100000; exec sleep 1000' \
	>"$TMP/pipe" 2>"$TMP/err"
leader=$!
ends 124 "a time-out is kept without a reader" $leader
: >"$TMP/log"
spawn_run -k stuck -- "$TMP/begin" yes \
	>"$TMP/pipe" 2>"$TMP/err"
leader=$!
logged begun
kill -TERM $leader
ends 143 "so is a signal" $leader
exec 8<&-
done_testing
