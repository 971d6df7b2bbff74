#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The leader is killed in the middle of its run. Measured over several tries:
# from the kill to the start of the next run, and from that run's end to the
# last follower's. The bounds hold for the median, for the machine may be busy.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
[ -z "$SFSHM_SANITIZE" ] || skip_all "sanitizers take their time"

tries=9
followers=8
bound_us=50000
script work <<'END'
echo "start ${EPOCHREALTIME/./}" >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.01; done
echo "${EPOCHREALTIME/./}" >"$TMP/ended"
END

follow()
{
	run -k key -- "$TMP/work"
	echo "${EPOCHREALTIME/./}" >"$TMP/done.$1"
}

# measure TRY: appends to takeovers and results
measure()
{
	local i leader killed pids=()

	segment "$1"
	rm -f "$TMP/go"
	: >"$TMP/log"
	spawn_run -k key -- "$TMP/work"
	leader=$!
	logged start
	for ((i = 0; i < followers; i++)); do
		spawn follow $i
		pids+=($!)
	done
	waiters key $followers
	killed=${EPOCHREALTIME/./}
	kill -KILL "$leader"
	logged start 2
	touch "$TMP/go"
	wait "${pids[@]}" "$leader" 2>/dev/null
	takeovers+=($(($(sed -n '2s/start //p' "$TMP/log") - killed)))
	results+=($(($(sort -n "$TMP"/done.* | tail -n 1) -
		$(cat "$TMP/ended"))))
}

# bounded WHAT NUMBER...: the median is within the bound
bounded()
{
	local what=$1 median
	shift
	median=$(printf '%s\n' "$@" | sort -n | sed -n "$((tries / 2 + 1))p")
	diag "$what: median $median us of $*"
	ok "$what: within $((bound_us / 1000)) ms" \
		[ "$median" -lt "$bound_us" ]
}

takeovers=()
results=()
for ((n = 0; n < tries; n++)); do
	measure $n
done
bounded "from a leader's death to the next run" "${takeovers[@]}"
bounded "from that run's end to all followers'" "${results[@]}"
done_testing
