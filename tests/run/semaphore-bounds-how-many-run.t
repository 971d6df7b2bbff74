#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-S1, PROMISE-S2: as many commands run at a time as there are permits,
# and a killed holder's permit comes back.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
exit 5
END

pids=()
for i in 1 2 3; do
	spawn_run --semaphore pool:3 -- "$TMP/stay"
	pids+=($!)
	logged stay $i
done
exits 124 "as many as there are permits" run --semaphore pool -n -v -- true
is "$(cat "$TMP/err")" \
	"sfshm-run: semaphore pool: held by others; leave out -n to wait" \
	"... run at a time"
exits 124 "... others wait" run --semaphore pool --timeout 50ms -- true
exits 0 "... but for those of another one" run --semaphore other -n -- true
spawn_run --semaphore pool -- echo got >"$TMP/out.next"
next=$!
kill -KILL "${pids[0]}"
ends 137 "one is killed" "${pids[0]}"
ends 0 "its permit goes to who waits" $next
is "$(cat "$TMP/out.next")" got "... who runs"
exits 0 "... and gives it back" run --semaphore pool -n -- true
touch "$TMP/go"
ends 5 "the others end" "${pids[1]}" "${pids[2]}"

for wrong in pool: pool:0 pool:x pool:1001; do
	exits 125 "--semaphore $wrong is refused" \
		run --semaphore "$wrong" -- true
done
exits 125 "so is more than one of them" run --semaphore a --lock b -- true
exits 125 "... and what does not go with them" run --lock b --ttl 1s -- true
exits 125 "... or a policy of -k" run --semaphore b --tag t -- true
exits 125 "... or without --file" run -k b --dir /tmp -- true
done_testing
