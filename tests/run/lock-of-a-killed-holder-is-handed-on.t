#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command of a killed holder is gone before the next holder's command
# starts.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script work <<'END'
exec 9>>"$TMP/alone"
flock -n 9 || echo overlap >>"$TMP/log"
echo $PPID >"$TMP/keeper"
echo "start $$" >>"$TMP/log"
sleep "$1"
END

for i in 1 2 3; do
	spawn_run --lock key -- "$TMP/work" 1000
	holder=$!
	logged start $((2 * i - 1))
	if [ $i -gt 1 ]; then
		spawn_run --lock key -v --json-status 3 -- "$TMP/work" 0 \
			2>"$TMP/err" 3>"$TMP/json"
		next=$!
		waiters key 1
		kill -KILL $holder
	else
		kill -KILL $holder
		wait $holder 2>/dev/null
		spawn_run --lock key -v --json-status 3 -- "$TMP/work" 0 \
			2>"$TMP/err" 3>"$TMP/json"
		next=$!
	fi
	ends 137 "the holder is killed ($i)" $holder
	ends 0 "the next one runs" $next
	# On a busy machine the wait may last so long that it is told, too.
	is "$(grep -v 'waiting for process' "$TMP/err")" \
		"sfshm-run: lock key: its last holder died" "... and is told"
	like "$(cat "$TMP/json")" '"owner_died":true' "... in JSON, too"
done
is "$(grep -c overlap "$TMP/log")" 0 "no two of them ran at a time"
exits 0 "it is told once" run --lock key -v -- true
is "$(cat "$TMP/err")" "" "... and no more"

# Who sees to a killed holder's command is itself held up. It stays stopped
# only if somebody of this session is its parent after the holder.
spawn python3 -c '
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
child = subprocess.Popen(sys.argv[1:])
print(child.pid, file=open(os.environ["TMP"] + "/holder", "w"), flush=True)
child.wait()
print("killed", file=open(os.environ["TMP"] + "/log", "a"), flush=True)
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
' sfshm-run -s "$segment" --lock key -- "$TMP/work" 1000
reaper=$!
logged start 7
kill -STOP "$(cat "$TMP/keeper")"
kill -KILL "$(cat "$TMP/holder")"
logged killed
exits 124 "nobody runs beside that" \
	run --lock key -v --timeout 200ms -- "$TMP/work" 0
like "$(cat "$TMP/err")" "still held after 200 ms" "... but waits for it"
kill -CONT "$(cat "$TMP/keeper")"
exits 0 "once it is gone the next one runs" run --lock key -v -- true
is "$(cat "$TMP/err")" "sfshm-run: lock key: its last holder died" \
	"... and is told, as nobody else has run"
ends 0 "... and nothing is left" $reaper

spawn_run --lock key -- "$TMP/work" 1000
holder=$!
logged start 8
kill -TERM $holder
ends 143 "a signal ends the command, and the holder by it" $holder
exits 0 "then the lock is free" run --lock key -n -v -- true
is "$(cat "$TMP/err")" "" "... and was given back"
done_testing
