#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The leader is killed in the middle of its run. Only a wake ends the
# followers' sleep. So a wake makes one of them the next leader, and a wake
# brings its result to all others.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
[ -z "$SFSHM_SANITIZE" ] || skip_all "sanitizers want to be loaded first"

followers=8
preload=$SFSHM_BUILD/tests/never-recheck.so
script work <<'END'
echo start >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.01; done
echo done
END

counter()
{
	sfshm-dump -s "$segment" --json |
		sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" | head -n 1
}

ok "there is something to load" test -r "$preload"
for round in 1 2 3; do
	pids=()
	segment $round
	rm -f "$TMP/go"
	: >"$TMP/log"
	spawn_run -k key -- "$TMP/work" >"$TMP/killed"
	leader=$!
	logged start
	for ((i = 0; i < followers; i++)); do
		spawn env LD_PRELOAD="$preload" sfshm-run -s "$segment" \
			-k key -- "$TMP/work" >"$TMP/out.$i"
		pids+=($!)
	done
	waiters key $followers
	kill -KILL "$leader"
	ok "round $round: one takes over" logged start 2
	touch "$TMP/go"
	ends 0 "... and all have its result" "${pids[@]}"
	is "$(sort "$TMP"/out.* | uniq -c | xargs)" "$followers done" \
		"... the same one"
	is "$(counter takeovers) $(counter rechecks)" "1 0" \
		"... by wakes alone, say the counters"
done
done_testing
