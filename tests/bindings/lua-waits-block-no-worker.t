#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B6: while 64 requests of one nginx worker wait for a leader elsewhere,
# the worker answers others; it does nothing for the waits until the leader ends,
# and one thread of the library watches them all. Where no coroutine can wait,
# the answer is an old value or "busy".
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/lua/nginx.sh" || exit 1

[ -z "$(no_nginx)" ] || skip_all "$(no_nginx)"
command -v luajit >/dev/null || skip_all "no luajit here (package luajit2)"

# leader.lua SEGMENT KEY FIFO: leads until it reads a line
cat >"$TMP/leader.lua" <<END
package.path = "$lua_binding/lib/?.lua;" .. package.path
local ffi = require("ffi")
local C = require("resty.sfshm.libsfshm").C
local policy = ffi.new("struct sfshm_policy")
policy.size, policy.ttl_ms = ffi.sizeof(policy), 60000
local flight, result = ffi.new("struct sfshm_flight"), ffi.new("struct sfshm_result")
result.size = ffi.sizeof(result)
local handle = C.sfshm_shared(arg[1], nil)
assert(C.sfshm_begin(handle, arg[2], #arg[2], policy, flight, result) == 2)
io.open(arg[3] .. ".leads", "w"):close()
assert(io.open(arg[3])):read()
assert(C.sfshm_publish(flight, "the leader's", 12) == 0)
END

# lead KEY: another process leads it until `let_go`
lead()
{
	rm -f "$TMP/fifo" "$TMP/fifo.leads"
	mkfifo "$TMP/fifo"
	spawn luajit "$TMP/leader.lua" "$segment" "$1" "$TMP/fifo"
	leader=$!
	wait_until [ -f "$TMP/fifo.leads" ]
}

let_go()
{
	echo >"$TMP/fifo"
	wait "$leader"
}

is_old()
{
	[ "$(ask "has?key=old")" = no ]
}

segment
serve 1
worker=$(ask pid)

# How often the worker's own thread has slept.
sleeps()
{
	awk '/^voluntary/ { print $2 }' "/proc/$worker/task/$worker/status"
}

lead key
for ((i = 0; i < 64; i++)); do
	ask_later "answer.$i" "work?key=key"
	asking[i]=$!
done
waiters key 64
is "$(for ((i = 0; i < 20; i++)); do ask pid; echo; done | sort | uniq -c |
	xargs)" "20 $worker" "meanwhile other requests are answered"
is "$(cat "/proc/$worker"/task/*/comm | sort | uniq -c | xargs)" \
	"1 nginx 1 sfshm-waits" "one thread watches the waits"
before=$(sleeps)
sleep 2
ok "the worker does nothing for them" [ $(($(sleeps) - before)) -lt 8 ]
diag "it woke $(($(sleeps) - before)) times in two seconds"
ls /dev/shm /tmp >"$TMP/files"
is "$(grep -c "sfshm-lua.$worker" "$TMP/files")" 0 "no socket's name is left"
let_go
wait "${asking[@]}"
is "$(grep -lx "the leader's" "$TMP"/answer.* | wc -l)" 64 \
	"all 64 get the leader's value"

lead log
ask "log?key=log" >/dev/null
like "$(cat "$TMP/nginx.log")" 'told: nil busy nil\.' \
	"log_by_lua does not wait"
is "$(ask "filter?key=log")" "text busy" "nor does body_filter_by_lua"
let_go
ask "log?key=log" >/dev/null
like "$(cat "$TMP/nginx.log")" "told: the leader's nil 2\." \
	"log_by_lua gets a value that is there"
ask "log?key=free" >/dev/null
like "$(cat "$TMP/nginx.log")" 'told: made in the log nil 3\.' \
	"log_by_lua makes a value"
is "$(ask "filter?key=filter")" "text made there" "so does body_filter_by_lua"

ask "old?key=old" >/dev/null
wait_until is_old
lead old
ask "log?key=old&grace=100" >/dev/null
like "$(cat "$TMP/nginx.log")" 'told: old nil 4\.' \
	"log_by_lua gets an old value while another caller makes a new one"
let_go
stop_here "at the end"
done_testing
