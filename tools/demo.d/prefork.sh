# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The example server in C.
# shellcheck disable=SC2034

prefork_is()
{
	echo "An HTTP server with $workers preforked workers, in C"
}

prefork_lacks()
{
	[ -x "$build/examples/prefork-server" ] ||
		echo "$build/examples/prefork-server is missing"
}

prefork_start()
{
	"$build/examples/prefork-server" -w "$workers" -t 60000 \
		-s "$http_segment" "$tmp/sales.csv" \
		>"$tmp/prefork.out" 2>"$server_log" &
	servers=($!)
	server_ready "the server" \
		line_is_there "$workers" "$server_log" ' started$'
	server_url=$(sed -n 's/^listening on //p' "$tmp/prefork.out")
	note "$(cat "$tmp/prefork.out")"
}

prefork_replaces()
{
	check "the master saw the worker die" wait_for 60 \
		line_is_there 1 "$server_log" "worker $1 died of signal 9"
	check "the master started another worker in its place" \
		wait_for 60 line_is_there \
		$((workers + $(lines "$server_log" ' died of '))) \
		"$server_log" ' started$'
}
