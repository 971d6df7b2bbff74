#!/bin/bash
# SPDX-License-Identifier: MIT
#
# All processes of a run inherit a lock, which the next run must find free, so
# the test would see an overlap.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

followers=16
script work <<'END'
exec 9>>"$TMP/alone"
flock -n 9 || echo overlap >>"$TMP/log"
echo "half of $$"
if [ ! -e "$TMP/second" ]; then
	touch "$TMP/second"
	setsid bash -c 'setsid sleep 1000 | setsid cat' &
	(sleep 1000; echo more) | cat &
	nohup python3 -c '
import os, signal, time
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
print("deaf", file=open(os.environ["TMP"] + "/log", "a"), flush=True)
time.sleep(1000)' >"$TMP/nohup" 2>&1 &
	until grep -q deaf "$TMP/log"; do sleep 0.01; done
	echo "start $$" >>"$TMP/log"
	wait
fi
echo "start $$" >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.01; done
echo "whole of $$"
echo "end $$" >>"$TMP/log"
END

# killed HOW: the leader ends by `kill HOW`
killed()
{
	local pids=() i leader last how=$1

	segment "${how//[^a-z0-9]/}"
	rm -f "$TMP/second" "$TMP/go"
	: >"$TMP/log"
	set -m
	spawn_run -k key -- "$TMP/work" >"$TMP/leader.out"
	leader=$!
	set +m
	logged start
	for ((i = 0; i < followers; i++)); do
		spawn_run -k key -- "$TMP/work" >"$TMP/out.$i"
		pids+=($!)
	done
	waiters key "$followers"
	# shellcheck disable=SC2086
	kill ${how/PID/$leader}
	ends 137 "$how: the leader is killed" "$leader"
	logged start 2
	waiters key $((followers - 1))
	touch "$TMP/go"
	ends 0 "$how: all followers succeed" "${pids[@]}"
	is "$(grep -c start "$TMP/log")" 2 "$how: there was one more run"
	is "$(grep -c overlap "$TMP/log")" 0 "$how: and no overlap"
	last=$(sed -n 's/end //p' "$TMP/log")
	is "$(sort -u "$TMP"/out.* | xargs)" "half of $last whole of $last" \
		"$how: all have the second run's output alone"
	like "$(cat "$TMP/leader.out")" "^half of [0-9]+$" \
		"$how: the half was the leader's"
}

killed "-KILL PID"
killed "-KILL -- -PID"
done_testing
