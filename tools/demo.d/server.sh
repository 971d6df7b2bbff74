# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The demo's steps with the example server: a crowd, a crowd whose worker is
# killed, the end.

server=     # the pid of the master process
server_url=
crowd=
crowd_dir=

server_start()
{
	title "An HTTP server with $workers preforked workers, in C"
	"$build/examples/prefork-server" -w "$workers" -t 60000 \
		-s "$http_segment" "$tmp/sales.csv" \
		>"$tmp/server.out" 2>"$tmp/server.log" &
	server=$!
	wait_for 60 line_is_there "$workers" "$tmp/server.log" started ||
		die "the server does not start: $(cat "$tmp/server.log")"
	server_url=$(sed -n 's/^listening on //p' "$tmp/server.out")
	note "$(cat "$tmp/server.out")"
}

# crowd_start REGION: starts one curl with all requests, and sets $crowd to its
# pid. The bodies go to N.body; the file "answers" gets a line for each answer:
# status, source, generation, worker
crowd_start()
{
	local i

	crowd_dir=$tmp/crowd-$1
	mkdir -p "$crowd_dir"
	for ((i = 0; i < callers; i++)); do
		echo "url = $server_url/report?key=$1"
		echo "output = $crowd_dir/$i.body"
	done >"$crowd_dir/config"
	curl -q --noproxy '*' --silent --max-time 120 --parallel \
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

crowd_figures()
{
	figure "computed / awaited / cached" \
		"$(crowd_says computed) / $(crowd_says awaited) / $(crowd_says cached)"
}

show_http_herd()
{
	local from to

	from=$EPOCHREALTIME
	crowd_start north
	reap "$crowd"
	to=$EPOCHREALTIME
	note "" "$callers clients ask for /report?key=north at once:"
	sed 's/^/    | /' "$crowd_dir/0.body"
	figure "all clients have it after" "$(ms_between "$from" "$to")"
	crowd_figures
	check "one worker made it, once, by the server's log" \
		[ "$(lines "$tmp/server.log" 'making the report on north')" -eq 1 ]
	check "all $callers answers are 200" [ "$(lines \
		"$crowd_dir/answers" '^200 ')" -eq "$callers" ]
	check "all answers have the same bytes" [ "$(crowd_bodies)" -eq 1 ]
}

# worker_of TEXT: prints the pids in the lines of the server's log with TEXT.
worker_of()
{
	sed -n "s/^[0-9.]* \[\([0-9]*\)\] $1\$/\1/p" "$tmp/server.log"
}

# kill_worker REGION: fails if the report was ready before the kill
kill_worker()
{
	local made="making the report on $1" killed taken worker next

	crowd_start "$1"
	wait_for 60 line_is_there 1 "$tmp/server.log" "$made" ||
		die "no worker began the work"
	wait_for 1 sleepers "$http_segment" "$1" '[1-9][0-9]*'
	worker=$(worker_of "$made" | head -n 1)
	killed=$EPOCHREALTIME
	kill -KILL "$worker" 2>/dev/null
	reap "$crowd"
	[ "$(lines "$tmp/server.log" "$made")" -gt 1 ] || return 1

	next=$(worker_of "$made" | sed -n 2p)
	taken=$(sed -n "s/ .*$made\$//p" "$tmp/server.log" | sed -n 2p)
	note "" "$callers clients ask for $1; the worker that makes it is killed:"
	figure "killed (kill -9)" "worker $worker"
	figure "took over" "worker $next"
	figure "began after" "$(ms_between "$killed" "$taken")"
	crowd_figures
	check "sfshm-dump counts one takeover" \
		[ "$(counter "$http_segment" takeovers)" -eq 1 ]
	check "the report was begun twice in all" \
		[ "$(lines "$tmp/server.log" "$made")" -eq 2 ]
	check "all clients but the killed worker's were served" \
		[ "$(lines "$crowd_dir/answers" '^200 ')" -eq $((callers - 1)) ]
	check "their answers have the same bytes" [ "$(crowd_bodies)" -eq 1 ]
	check "the master saw the worker die" \
		wait_for 60 line_is_there 1 "$tmp/server.log" \
		"worker $worker died of signal 9"
	check "the master started another worker in its place" \
		wait_for 60 line_is_there \
		$((workers + $(lines "$tmp/server.log" ' died of '))) \
		"$tmp/server.log" ' started$'
}

show_http_takeover()
{
	local region

	for region in south east west; do
		if kill_worker "$region"; then
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
	local workers_gone=true status=0 pid

	kill -TERM "$server"
	reap "$server" || status=$?
	while read -r pid; do
		is_gone "$pid" || workers_gone=false
	done < <(worker_of started)
	note "" "the master gets a SIGTERM:"
	check "the master exits with status 0" [ "$status" -eq 0 ]
	check "no worker is left" $workers_gone
}
