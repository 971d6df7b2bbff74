#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script count <<'END'
echo in >>"$TMP/log"
n=$(cat "$TMP/n")
sleep 0.01
echo $((n + 1)) >"$TMP/n"
END
script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
exit 5
END

echo 0 >"$TMP/n"
pids=()
for _ in 1 2 3 4 5 6 7 8; do
	spawn_run --lock key -- "$TMP/count"
	pids+=($!)
done
ends 0 "many at once" "${pids[@]}"
is "$(cat "$TMP/n")" 8 "... come one after the other"

is "$(echo text | run --lock key -- cat)" text \
	"the command has the caller's standard input"
exits 9 "... and gives its status" run --lock key -- sh -c 'exit 9'
exits 127 "a command that is not there" run --lock key -- "$TMP/none"

spawn_run --lock key -- "$TMP/stay"
holder=$!
logged stay
exits 124 "a lock that is held" run --lock key -n -v -- true
is "$(cat "$TMP/err")" \
	"sfshm-run: lock key: held by others; leave out -n to wait" \
	"... is told with -n -v"
exits 124 "... is waited for" run --lock key --timeout 50ms -- true
is "$(cat "$TMP/err")" "sfshm-run: lock key: still held after 50 ms; try\
 again, or give a longer --timeout" \
	"... as long as said"
exits 0 "... and is no other one's" run --lock other -n -- true
exits 0 "... nor a run's" run -k key -- true
touch "$TMP/go"
ends 5 "its holder goes on" $holder
exits 0 "its key is no run's" run --lock key -- \
	sfshm-run -s "$segment" -k Lkey --timeout 2m -- true
exits 0 "then it is free" run --lock key -n --timeout 2m -- sleep 0.1

rm "$TMP/go"
spawn_run --lock key --shared -- "$TMP/stay"
holder=$!
logged stay 2
exits 0 "a lock that is shared" run --lock key --shared -n -- true
exits 124 "... is nobody's alone" run --lock key -n -- true
touch "$TMP/go"
ends 5 "its holder goes on" $holder
exits 0 "then it is free" run --lock key --timeout 2m -- true
exits 125 "--shared needs a lock" run -k key --shared -- true
is "$(cat "$TMP/err")" "sfshm-run: --shared does not go with -k without --file;\
 see --help" "... and says so"
exits 125 "... not a permit" run --semaphore key --shared -- true
done_testing
