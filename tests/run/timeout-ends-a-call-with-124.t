#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
echo "start $$" >>"$TMP/log"
[ -z "${1-}" ] || trap "echo told >>$TMP/log$1" TERM
echo begun
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo whole
END

# late MS COMMAND...: runs it; it takes as long as that
late()
{
	local start=${EPOCHREALTIME/./} ms=$1
	shift
	"$@"
	ok "... not before its time" [ $(((${EPOCHREALTIME/./} - start) / 1000)) -ge "$ms" ]
}

# Time enough for the command to begin.
late 1500 exits 124 "a leader" run -k a --timeout 1500ms -- "$TMP/work"
is "$(cat "$TMP/out")" begun "... with what there was"
like "$(cat "$TMP/err")" "^sfshm-run: key a: .*1500 ms" "... and says so"
is "$(wc -l <"$TMP/err")" 1 "... in one line"
pid=$(sed -n 's/start //p' "$TMP/log")
ok "... the command is ended" gone "$pid"

: >"$TMP/log"
exits 124 "a command that answers with success" \
	run -k b --timeout 1500ms -- "$TMP/work" "; exit 0"
is "$(grep -c told "$TMP/log")" 1 "... was told"

: >"$TMP/log"
late 2500 exits 124 "a command that does not listen" \
	run -k c --timeout 1500ms -- "$TMP/work" "; true"
pid=$(sed -n 's/start //p' "$TMP/log")
ok "... is killed" gone "$pid"

: >"$TMP/log"
spawn_run -k d -- "$TMP/work" >"$TMP/leader.out"
leader=$!
logged start
late 300 exits 124 "a follower" run -k d --timeout 300ms -- "$TMP/work"
is "$(cat "$TMP/out")" "" "... with nothing"
like "$(cat "$TMP/err")" "^sfshm-run: key d: .*300 ms" "... and says so"
touch "$TMP/go"
ends 0 "... while the leader goes on" $leader
is "$(xargs <"$TMP/leader.out")" "begun whole" "... to the end"

rm "$TMP/go"
: >"$TMP/log"
spawn_run -k e --timeout 5s -- "$TMP/work" >"$TMP/leader.out" 2>&1
leader=$!
logged start
spawn_run -k e -- "$TMP/work" >"$TMP/follower.out"
follower=$!
waiters e 1
ends 124 "a leader that is waited for" $leader
logged start 2
touch "$TMP/go"
ends 0 "... is replaced" $follower
is "$(xargs <"$TMP/follower.out")" "begun whole" "... by a patient follower"

exits 0 "0 is no time-out" run -k f --timeout 0 -- sleep 0.1
exits 124 "a part of a second" run -k f --timeout 0.2s -- sleep 1000
like "$(cat "$TMP/err")" "ended the command after 200 ms" "... in milliseconds"
exits 124 "... of a minute" run -k f --timeout 0.005m -- sleep 1000
like "$(cat "$TMP/err")" "ended the command after 300 ms" "... as well"
for span in 0.5 .5s 1.s 0.5ms 0.0001s 1.2345s; do
	exits 125 "$span is no time" run -k f --timeout $span -- true
done
exits 0 "a result in time" run -k g --timeout 1m -- true
done_testing
