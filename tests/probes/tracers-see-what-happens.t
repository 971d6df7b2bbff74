#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The scripts for bpftrace print the waits, deaths, thefts, evictions and runs of
# the work that take place while they trace.
. "${0%/*}/../lib/tap.sh"

library=$(realpath "$SFSHM_BUILD/src/libsfshm.so.0")
readelf -n "$library" 2>/dev/null | grep -q 'Provider: sfshm' ||
	skip_all "the library was built without <sys/sdt.h>"
command -v bpftrace >/dev/null || skip_all "no bpftrace here"
[ "$(id -u)" = 0 ] || skip_all "only root may trace"
# bpftrace looks for this file system, which need not be mounted here. The mount
# is this test's alone.
if [ -z "${SFSHM_TRACEFS:-}" ]; then
	SFSHM_TRACEFS=1 unshare -m true 2>/dev/null ||
		skip_all "no mount namespace of one's own here"
	rm -rf "$TMP"
	SFSHM_TRACEFS=1 exec unshare -m "$0"
fi
[ -e /sys/kernel/tracing/uprobe_events ] ||
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
[ -e /sys/kernel/debug/tracing ] ||
	mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
bpftrace -e 'BEGIN { exit(); }' >"$TMP/out" 2>&1 ||
	skip_all "the kernel refuses bpftrace: $(tail -n 1 "$TMP/out")"

segment

flight_seen()
{
	sfshm-run -s "$segment" -k "hello-$RANDOM" true
	sleep 0.5
	grep -q '^attached' "$TMP/trace"
}

# trace SCRIPT [ARG]: starts it. bpftrace attaches probes in their order; so once
# the last one has seen a flight, all are there. On a busy machine that takes
# minutes, as long as bpftrace lives.
trace()
{
	{
		cat "$SFSHM_SOURCE/tools/bpf/$1"
		cat <<'END'
usdt:$1:sfshm:flight_begin { printf("attached\n"); }
END
	} >"$TMP/$1"
	shift
	spawn bpftrace -B none "$TMP/$script" "$library" "$@" \
		>"$TMP/trace" 2>"$TMP/err"
	tracer=$!
	until wait_until flight_seen; do
		kill -0 "$tracer" 2>/dev/null || break
	done
	if ! flight_seen; then
		fail "$script sees a flight"
		diag "$(cat "$TMP/trace" "$TMP/err")"
		done_testing
	fi
	pass "$script sees a flight"
}

trace_end()
{
	kill -INT "$tracer"
	wait "$tracer"
}

# printed REGEX DESCRIPTION
printed()
{
	wait_until grep -Eq "$1" "$TMP/trace"
	like "$(cat "$TMP/trace")" "$1" "$2"
}

is_busy()
{
	sfshm-dump -s "$segment" --key "$1" --phase busy --check
}

is_awaited()
{
	sfshm-dump -s "$segment" --key "$1" --waiting --check
}

# lead KEY OPTION...: sets $leader to a process whose work has begun
lead()
{
	local key=$1
	shift
	spawn sfshm-run -q -s "$segment" "$@" -k "$key" \
		sh -c "until [ -e $TMP/go ]; do sleep 0.02; done"
	leader=$!
	wait_until is_busy "$key"
}

# follow KEY: sets $follower to a process that waits
follow()
{
	spawn sfshm-run -q -s "$segment" -k "$1" true
	follower=$!
	wait_until is_awaited "$1"
}

script=longest-waits.bt
trace "$script" 0
lead 'what a wait'
follow 'what a wait'
touch "$TMP/go"
wait "$follower"
printed "$follower sfshm-run +[0-9]+ awaited +what a wait #[0-9a-f]{8}" \
	"it tells who waited for what"
trace_end
like "$(cat "$TMP/trace")" "@longest_ms\[$follower, sfshm-run, [0-9]+\]: [0-9]" \
	"it has the longest wait of each process at its end"
rm "$TMP/go"

script=deaths.bt
trace "$script"
lead dies
follow dies
kill -KILL "$leader"
{ wait "$leader"; } 2>/dev/null
wait "$follower"
printed "leader_died +$leader +$follower sfshm-run +dies #" \
	"it tells who died, and who found that out"
lead slow --lock-age 20ms
victim=$leader
exits 0 "another caller steals the flight of a slow leader" \
	sfshm-run -q -s "$segment" --lock-age 20ms -k slow true
printed "steal +$victim +[0-9]+ sfshm-run +slow #" \
	"it tells from whom a flight was stolen"
touch "$TMP/go"
wait "$victim"
printed "fenced +$victim +$victim sfshm-run" \
	"it tells when the slow leader learns of that"
segment small
sfshm-ctl create -s "$segment" --slots 64 --bytes 64K --max-value 4K \
	--participants 8 >"$TMP/out" 2>&1 || diag "$(cat "$TMP/out")"
for i in $(seq 100); do
	echo | sfshm-ctl put -s "$segment" "key-$i" || break
done >"$TMP/out" 2>&1
trace_end
like "$(cat "$TMP/trace")" '@evictions\[sfshm-ctl\]: [1-9]' \
	"it counts evictions"

script=work.bt
trace "$script"
exits 3 "work fails" sfshm-run -q -s "$segment" -k fails sh -c 'exit 3'
trace_end
like "$(cat "$TMP/trace")" '@work_ms\[published\]' \
	"it has a histogram of the time of the work"
like "$(cat "$TMP/trace")" '@key\[[0-9]+\]: fails' "it names the keys"
done_testing
