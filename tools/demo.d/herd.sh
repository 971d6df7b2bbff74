# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The demo's steps with sfshm-run: one caller, a crowd, a crowd whose leader is
# killed.

herd=()      # the callers' pids
herd_exit=() # the callers' exit statuses
herd_end=    # when the last caller ended
herd_dir=    # the callers' output: N.out, N.json; run.log: begin and end of runs

# herd_start KEY: starts the callers
herd_start()
{
	local i

	herd=() herd_exit=()
	herd_dir=$tmp/herd-$1
	mkdir -p "$herd_dir"
	for ((i = 0; i < callers; i++)); do
		sfshm-run -s "$segment" -k "$1" --ttl 60s --timeout 120s \
			--json-status 3 -- "$top/tools/demo.d/report" \
			"$tmp/sales.db" "$herd_dir/run.log" 3>"$herd_dir/$i.json" \
			>"$herd_dir/$i.out" 2>"$herd_dir/$i.err" &
		herd+=($!)
	done
}

herd_wait()
{
	local i

	for ((i = 0; i < callers; i++)); do
		herd_exit[i]=0
		reap "${herd[i]}" || herd_exit[i]=$?
	done
	herd_end=$EPOCHREALTIME
}

# herd_served: how many callers succeeded and printed exactly the report
herd_served()
{
	local i n=0

	for ((i = 0; i < callers; i++)); do
		[ "${herd_exit[i]}" -eq 0 ] && [ ! -s "$herd_dir/$i.err" ] &&
			cmp -s "$tmp/alone.out" "$herd_dir/$i.out" &&
			n=$((n + 1))
	done
	echo "$n"
}

# herd_sources WORD: how many callers had that source: cached, awaited, ...
herd_sources()
{
	cat "$herd_dir"/*.json | grep -c "\"$1\"" || true
}

# Prints the pid of the caller that computed the result.
herd_leader()
{
	local i

	for ((i = 0; i < callers; i++)); do
		! grep -q '"computed"' "$herd_dir/$i.json" || echo "${herd[i]}"
	done
}

# herd_status PID: prints the exit status of that caller
herd_status()
{
	local i

	for ((i = 0; i < callers; i++)); do
		[ "${herd[i]}" != "$1" ] || echo "${herd_exit[i]}"
	done
}

# herd_times WORD: prints when the runs began or ended; WORD: begin, end
herd_times()
{
	sed -n "s/ $1\$//p" "$herd_dir/run.log"
}

herd_runs()
{
	lines "$herd_dir/run.log" begin
}

show_alone()
{
	local from=$EPOCHREALTIME to

	title "One caller, without sfshm"
	"$top/tools/demo.d/report" "$tmp/sales.db" "$tmp/alone.log" \
		>"$tmp/alone.out" || die "the report failed, see above"
	to=$EPOCHREALTIME
	figure "the report takes" "$(ms_between "$from" "$to")"
	head -n 2 "$tmp/alone.out" | sed 's/^/    | /'
}

show_herd()
{
	local from=$EPOCHREALTIME to

	title "$callers callers ask for the report at once, through sfshm-run"
	herd_start together
	herd_wait
	figure "all callers have it after" "$(ms_between "$from" "$herd_end")"
	figure "of which after the end of the run" \
		"$(ms_between "$(herd_times end | head -n 1)" "$herd_end")"
	figure "computed / awaited / cached" "$(herd_sources computed) /\
 $(herd_sources awaited) / $(herd_sources cached)"
	check "the query ran once, by the log of runs" \
		[ "$(herd_runs)" -eq 1 ]
	check "all $callers got the same bytes as the caller alone" \
		[ "$(herd_served)" -eq "$callers" ]

	from=$EPOCHREALTIME
	sfshm-run -s "$segment" -k together --ttl 60s -- false >"$tmp/later.out"
	to=$EPOCHREALTIME
	figure "a later caller has it after" "$(ms_between "$from" "$to")"
	check "the later caller runs no command" cmp "$tmp/alone.out" "$tmp/later.out"
}

# owner KEY: prints the pid of the leader that sfshm-dump shows
owner()
{
	sfshm-dump -s "$segment" --json --key "$1" |
		sed -n 's/.*"owner": *{[^}]*"pid": *\([0-9]*\).*/\1/p'
}

# kill_leader KEY: fails if the leader was done before the kill
kill_leader()
{
	local leader next killed taken

	herd_start "$1"
	wait_for 60 line_is_there 1 "$herd_dir/run.log" begin ||
		die "no caller began the work"
	wait_for 2 sleepers "$segment" "$1" $((callers - 1))
	leader=$(owner "$1")
	picture "$segment" --key "$1" >"$tmp/busy"
	killed=$EPOCHREALTIME
	kill -KILL "${leader:-none}" 2>/dev/null
	herd_wait
	[ "$(herd_runs)" -gt 1 ] || return 1

	next=$(herd_leader)
	taken=$(herd_times begin | sed -n 2p)
	note "while the leader is at work and the others sleep:"
	cat "$tmp/busy"
	figure "killed (kill -9)" "leader $leader"
	figure "took over" "$next"
	figure "its run began after" "$(ms_between "$killed" "$taken")"
	figure "all had it this long after that run" \
		"$(ms_between "$(herd_times end | tail -n 1)" "$herd_end")"
	check "the killed leader was one of the callers" \
		[ "$(herd_status "$leader")" -eq 137 ]
	check "the caller that took over exited with 0" \
		[ "$(herd_status "$next")" -eq 0 ]
	check "sfshm-dump counts one takeover" \
		[ "$(counter "$segment" takeovers)" -eq 1 ]
	check "the query was begun twice and ended once" \
		[ "$(herd_runs) $(herd_times end | wc -l)" = "2 1" ]
	check "the other $((callers - 1)) got the same bytes as the caller alone" \
		[ "$(herd_served)" -eq $((callers - 1)) ]
	note "and afterwards:"
	picture "$segment"
}

show_takeover()
{
	local key

	title "$callers callers again; the leader is killed in the middle"
	for key in first second third fourth fifth; do
		kill_leader "$key" && return
		note "the report was ready before the kill; trying again"
	done
	check "a leader could be killed at work" false
}
