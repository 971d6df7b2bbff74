# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the Python binding under its servers, after binding.sh: what
# each server goes through with four workers.

here=$SFSHM_SOURCE/tests/bindings/python
export RUNS=$TMP/runs HOLD=$TMP/hold SEGMENT
address=$TMP/socket
application=app:application
leaves="exit sysexit" # how work may end its process
again=                # "again", if the server may break what it has not read
waiting=1             # how many requests must wait before a reload
server=
number=0

# get COUNT PATH [again]
get()
{
	"$python" "$here/client.py" "$address" "$@"
}

runs_of()
{
	grep -c "^$1 " "$RUNS"
}

ran()
{
	[ "$(runs_of "$1")" -ge "$2" ]
}

# The process of the last run for the key, and its time.
leader_of()
{
	awk -v key="$1" '$1 == key { it = $2 } END { print it }' "$RUNS"
}

begun_at()
{
	awk -v key="$1" '$1 == key { it = $3 } END { print it }' "$RUNS"
}

# awaited KEY [COUNT]: are there so many waiters, or at least one?
awaited()
{
	local there

	there=$(sfshm-dump -s "$SEGMENT" --json --key "$1" |
		sed -nE 's/.*"waiters": *([0-9]+).*/\1/p')
	[ "${there:-0}" -ge "${2:-1}" ]
}

answers()
{
	[[ $(get 1 /pid) == "1 200 "* ]]
}

# With lazy-apps each worker of uWSGI loads the application after its start, and
# may forget a signal that comes meanwhile.
loaded()
{
	case $name in
	lazy-apps)
		[ "$(grep -c '^WSGI app 0' "$TMP/server.log")" -ge \
			"$(grep -c 'spawned uWSGI worker' "$TMP/server.log")" ]
		;;
	esac
}

start()
{
	: >"$RUNS"
	rm -f "$address"
	case $1 in
	gunicorn)
		shift
		spawn "$python" -m gunicorn --chdir "$here" --workers 4 \
			--bind "unix:$address" --log-level warning \
			--worker-tmp-dir /dev/shm --timeout 120 \
			--graceful-timeout 120 "$@" "$application"
		;;
	uwsgi)
		shift
		spawn uwsgi --plugin python3 --chdir "$here" --master \
			--need-app --http-socket "$address" --listen 100 \
			--die-on-term --disable-logging --processes 4 \
			--worker-reload-mercy 60 --module app "$@"
		;;
	esac >"$TMP/server.log" 2>&1
	server=$!
	ok "$name: it starts" wait_until answers
}

herd()
{
	local out

	out=$(get 64 "/work?key=herd")
	is "$(cut -d' ' -f1,2 <<<"$out")" "64 200" \
		"$name: a herd of 64 gets one answer"
	is "$(runs_of herd)" 1 "... of one run"
	get 1 "/invalidate?key=herd" >/dev/null
	get 64 "/work?key=herd" >/dev/null
	is "$(runs_of herd)" 2 "... and one more after the value's end"
}

# The leader's worker is killed while others wait; the work goes on until the
# next run has begun.
killed_leader()
{
	local leader died out failed ok most

	: >"$HOLD"
	spawn get 16 "/work?key=killed" >"$TMP/killed"
	asking=$!
	wait_until ran killed 1
	wait_until awaited killed
	leader=$(leader_of killed)
	died=$("$python" -c "import os, signal, time
print(time.monotonic_ns())
os.kill($leader, signal.SIGKILL)")
	wait_until ran killed 2
	diag "$name: the next run began" \
		"$((($(begun_at killed) - died) / 1000)) us after the death"
	rm "$HOLD"
	wait "$asking"
	out=$(cat "$TMP/killed")
	failed=$(awk '$2 == "none" { n += $1 } END { print n + 0 }' <<<"$out")
	ok=$(awk '$2 == 200 { n += $1 } END { print n + 0 }' <<<"$out")
	is "$(runs_of killed)" 2 "$name: a killed leader is replaced once"
	is "$((failed + ok))" 16 "... each request is answered or broken"
	# A worker with threads accepts more connections than it has threads.
	most=$((threads > 1 ? 15 : 1))
	ok "... and at most $most are of the dead worker" \
		[ "$failed" -ge 1 -a "$failed" -le "$most" ]
}

# A reload while the work goes on: old workers end it, new ones follow.
reload()
{
	local before

	: >"$HOLD"
	spawn get 8 "/work?key=reload" >"$TMP/reload"
	asking=$!
	wait_until ran reload 1
	wait_until awaited reload "$waiting"
	wait_until loaded
	before=$(get_idle_pid)
	kill -HUP "$server"
	# The requests that come now find old workers, or wait for new ones. A
	# worker of uvicorn that stops, and one of uWSGI with threads, closes
	# connections whose requests it has not read yet; their clients ask
	# again.
	spawn get 8 "/work?key=reload" ${again:+"$again"} >"$TMP/reloaded"
	after=$!
	rm "$HOLD"
	wait "$asking"
	wait "$after"
	is "$(cat "$TMP/reload" "$TMP/reloaded" | cut -d' ' -f1,2 | xargs)" \
		"8 200 8 200" "$name: a graceful reload fails no request"
	is "$(runs_of reload)" 1 "... and makes no second run"
	ok "... and it has come to new workers" wait_until renewed "$before"
}

# The workers' numbers before and after a reload have none in common.
get_idle_pid()
{
	workers | xargs
}

workers()
{
	ps -o pid= --ppid "$server"
}

renewed()
{
	local pid

	[ -n "$(workers)" ] || return 1
	for pid in $1; do
		! kill -0 "$pid" || return 1
	done
	answers
}

exits_in_work()
{
	local how

	for how in $leaves; do
		# A server may leave the request of such work open.
		spawn get 1 "/$how?key=$how" >/dev/null 2>&1
		asking=$!
		wait_until ran "$how" 1
		wait_until answers
		is "$(get 1 "/$how?key=$how")" "1 200 made at last" \
			"$name: after $how in the work the key is free"
		kill -KILL "$asking" 2>/dev/null
		wait "$asking" 2>/dev/null
	done
}

many_keys()
{
	is "$(get 4 "/many?n=10000")" "4 200 all of them" \
		"$name: 10,000 keys, asked for by four"
	is "$(runs_of many)" 10000 "... are made once each"
}

stop()
{
	wait_until loaded
	kill -TERM "$server"
	wait "$server"
	is "$(sfshm-dump -s "$SEGMENT" --json | grep -c '"threads_alive": 0,')" 1 \
		"$name: its end leaves no participant"
	exits 0 "... and a clean segment" sfshm-ctl verify -s "$SEGMENT"
	[ "$tap_failed" -eq 0 ] || diag "$(tail -n 30 "$TMP/server.log")"
}

# try NAME THREADS SERVER ARGUMENT...
try()
{
	name=$1 threads=$2
	segment "$((++number))"
	SEGMENT=$segment
	shift 2
	start "$@"
	herd
	killed_leader
	reload
	exits_in_work
	many_keys
	stop
}
