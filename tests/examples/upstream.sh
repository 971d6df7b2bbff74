# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# A slow server (upstream.py) and the crowd of processes that ask it through
# the example metadata-cache.
. "$SFSHM_SOURCE/tests/examples/crowd.sh"

# upstream_start: sets $server; what the server has is in $up
upstream_start()
{
	command -v python3 >/dev/null || skip_all "python3 is missing"
	up=$TMP/up
	mkdir -p "$up/files"
	: >"$up/log"
	spawn python3 "$SFSHM_SOURCE/tests/examples/upstream.py" "$up" \
		2>"$TMP/upstream.err"
	upstream=$!
	wait_until test -e "$up/port" || {
		diag "$(cat "$TMP/upstream.err")"
		exit 1
	}
	server=127.0.0.1:$(<"$up/port")
}

# upstream_stop: from now on nobody listens on its port
upstream_stop()
{
	{ kill -KILL "$upstream"; wait "$upstream"; } 2>/dev/null
}

# requests PATH: how many the server has had
requests()
{
	grep -c "^$1 " "$up/log"
}

requests_are()
{
	[ "$(requests "$1")" -eq "$2" ]
}

# The most that were in the server at once, for one path.
most_at_once()
{
	cut -d ' ' -f 2 "$up/log" | sort -n | tail -n 1
}

# ask OPTION... PATH: leaves $TMP/out and $TMP/err; sets $status
ask()
{
	status=0
	timeout 120 "$SFSHM_BUILD/examples/metadata-cache" -s "$segment" \
		"${@:1:$#-1}" "$server" "${*: -1}" \
		>"$TMP/out" 2>"$TMP/err" || status=$?
}

# asks ANSWER HOW DESCRIPTION OPTION... PATH: it prints that, and says so
asks()
{
	ask "${@:4}"
	is "$status:$(<"$TMP/out"):$(sed 's/, generation [0-9]*//' "$TMP/err")" \
		"0:$1:${*: -1}: $2" "$3"
}

# fails HOW DESCRIPTION OPTION... PATH: it prints nothing, and says why
fails()
{
	ask "${@:3}"
	is "$status:$(<"$TMP/out"):$(<"$TMP/err")" \
		"1::metadata-cache: ${*: -1}: $1" "$2"
}

# crowd N OPTION... PATH: so many ask at once; $TMP/out.I, $TMP/err.I, ${pids[]}
crowd()
{
	local i n=$1
	shift

	pids=()
	for ((i = 0; i < n; i++)); do
		spawn "$SFSHM_BUILD/examples/metadata-cache" -s "$segment" \
			"${@:1:$#-1}" "$server" "${*: -1}" \
			>"$TMP/out.$i" 2>"$TMP/err.$i"
		pids+=($!)
	done
}
