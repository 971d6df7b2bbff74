# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The demo's steps with a server of any kind: a crowd, a crowd whose worker is
# killed, the end. The file of a kind has four functions: KIND_is prints what the
# kind is; KIND_lacks prints what is missing for it; KIND_start starts it and sets
# the variables below; KIND_replaces checks what its master does about a dead
# worker. A server's workers write to $server_log: "TIME [PID] making the report
# on REGION".
# shellcheck disable=SC2034

http_segment= # the one that the server's workers share
server_log=
server_url=
server_at=()  # curl's arguments that lead to the server
crowd=
crowd_dir=
left_out=

# show_server KIND: goes through all steps, unless something is missing
show_server()
{
	local lacks

	lacks=$("$1_lacks")
	if [ -n "$lacks" ]; then
		title "Left out: $("$1_is")"
		note "$lacks"
		left_out+="${left_out:+, }$1"
		return
	fi
	title "$("$1_is")"
	http_segment=$segment-$1
	segments+=("$http_segment")
	server_log=$tmp/$1.log
	server_at=()
	"$1_start"
	show_http_herd
	show_http_takeover "$1_replaces"
	show_http_end
}

# server_ready WHAT COMMAND...: waits until the command succeeds
server_ready()
{
	local what=$1
	shift
	wait_for 60 "$@" || die "$what does not start: $(cat "$server_log")"
}

# crowd_start REGION: starts one curl with all requests, and sets $crowd to its
# pid. The bodies go to N.body; the file "answers" gets a line for each answer:
# status, and from the server in C also source, generation, worker
crowd_start()
{
	local i

	crowd_dir=$tmp/crowd-$http_segment-$1
	mkdir -p "$crowd_dir"
	for ((i = 0; i < callers; i++)); do
		echo "url = $server_url/report?key=$1"
		echo "output = $crowd_dir/$i.body"
	done >"$crowd_dir/config"
	curl -q --noproxy '*' "${server_at[@]}" --silent --fail \
		--max-time 120 --parallel \
		--parallel-max "$callers" --parallel-immediate \
		--write-out "%{http_code} $(printf ' %%header{x-sfshm%s}' \
			'' -generation -worker)\n" \
		--config "$crowd_dir/config" >"$crowd_dir/answers" \
		2>"$crowd_dir/errors" &
	crowd=$!
}

crowd_says()
{
	lines "$crowd_dir/answers" "^200 *$1 "
}

# Prints how many different bodies there are.
crowd_bodies()
{
	cksum "$crowd_dir"/*.body | cut -d ' ' -f 1,2 | sort -u | wc -l
}

# The server in C tells each client where its answer came from.
crowd_figures()
{
	[ "$(crowd_says '[a-z][a-z]*')" -eq 0 ] ||
		figure "computed / awaited / cached" "$(crowd_says computed) /\
 $(crowd_says awaited) / $(crowd_says cached)"
}

show_http_herd()
{
	local from to

	from=$EPOCHREALTIME
	crowd_start north
	reap "$crowd"
	to=$EPOCHREALTIME
	note "" "$callers clients ask for /report?key=north at once:"
	head -n 5 "$crowd_dir/0.body" | sed 's/^/    | /'
	figure "all clients have it after" "$(ms_between "$from" "$to")"
	crowd_figures
	check "one worker made it, once, by the server's log" \
		[ "$(lines "$server_log" 'making the report on north$')" -eq 1 ]
	check "all $callers answers are 200" \
		[ "$(lines "$crowd_dir/answers" '^200 ')" -eq "$callers" ]
	check "all answers have the same bytes" [ "$(crowd_bodies)" -eq 1 ]
}

# worker_of TEXT: prints the pids in the lines of the server's log with TEXT.
worker_of()
{
	sed -n "s/^[0-9.]* \[\([0-9]*\)\] $1\$/\1/p" "$server_log"
}

# kill_worker REGION: fails if the report was ready before the kill
kill_worker()
{
	local made="making the report on $1" killed taken next

	crowd_start "$1"
	wait_for 60 line_is_there 1 "$server_log" "$made" ||
		die "no worker began the work"
	wait_for 1 sleepers "$http_segment" "$1" '[1-9][0-9]*'
	worker=$(worker_of "$made" | head -n 1)
	killed=$EPOCHREALTIME
	kill -KILL "$worker" 2>/dev/null
	reap "$crowd"
	[ "$(lines "$server_log" "$made")" -gt 1 ] || return 1

	next=$(worker_of "$made" | sed -n 2p)
	taken=$(sed -n "s/ .*$made\$//p" "$server_log" | sed -n 2p)
	note "" "$callers clients ask for $1; the worker that makes it is killed:"
	figure "killed (kill -9)" "worker $worker"
	figure "took over" "worker $next"
	figure "began after" "$(ms_between "$killed" "$taken")"
	crowd_figures
	check "sfshm-dump counts one takeover" \
		[ "$(counter "$http_segment" takeovers)" -eq 1 ]
	check "the report was begun twice in all" \
		[ "$(lines "$server_log" "$made")" -eq 2 ]
	check "all clients but the killed worker's were served" \
		[ "$(lines "$crowd_dir/answers" '^200 ')" -eq $((callers - 1)) ]
	check "their answers have the same bytes" [ "$(crowd_bodies)" -eq 1 ]
}

# show_http_takeover COMMAND: runs the command with the killed worker's pid
show_http_takeover()
{
	local region worker

	for region in south east west; do
		if kill_worker "$region"; then
			"$1" "$worker"
			note "" "what the workers share:"
			picture "$http_segment"
			return
		fi
		note "the report on $region was ready before the kill; trying again"
	done
	check "a worker could be killed at work" false
}

show_http_end()
{
	local workers_gone=true pid

	servers_end
	for pid in $(worker_of '.*' | sort -u); do
		wait_for 5 is_gone "$pid" || workers_gone=false
	done
	note "" "the master gets a SIGTERM:"
	check "the master exits with status 0" [ "$servers_status" -eq 0 ]
	check "no worker is left" $workers_gone
	check "the segment is whole, and nobody is attached" is_left_well
}

is_left_well()
{
	[ "$(counter "$http_segment" threads_alive)" -eq 0 ] &&
		sfshm-ctl verify -s "$http_segment"
}
