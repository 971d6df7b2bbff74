#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-F11: with --fleet, the callers of several hosts (here: segments) share
# one run, also if its leader is killed, if the leader's whole host is gone, and
# if the engine dies meanwhile.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

command -v redis-server >/dev/null || skip_all "redis-server is not installed"
[ -e "$SFSHM_BUILD/src/libsfshm-redis.so.0" ] ||
	skip_all "libsfshm-redis is not built"

socket=$TMP/socket
url="unix:$socket?ns=t"
start_engine()
{
	spawn redis-server --port 0 --unixsocket "$socket" --save '' \
		--appendonly no --dir "$TMP" --loglevel warning >"$TMP/engine.log"
	engine=$!
	wait_until engine_has PING '[+]PONG' || fail "the engine answers"
}

# engine_has COMMAND REGEX: a line of the engine's reply is like that
engine_has()
{
	python3 -c '
import re, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\r\nQUIT\r\n")
text = s.makefile(newline="").read()
sys.exit(not re.search(sys.argv[3], text))' "$socket" "$@"
}

# blocked N: waits until N hosts wait for another one
blocked()
{
	wait_until engine_has "INFO clients" "blocked_clients:$1\\r" ||
		fail "$1 hosts wait"
}

hosts=()
for host in a b c; do
	segment "$host"
	hosts+=("$segment")
done

# on HOST ARGUMENT...: sfshm-run on that host, in the background
on()
{
	local host=$1
	shift
	spawn sfshm-run -s "${hosts[$host]}" --fleet "$url" "$@"
}

# begin: forgets the runs so far, and lets the next one wait for `touch go`
begin()
{
	rm -f "$TMP/go"
	: >"$TMP/log"
}

script work <<'END'
echo run >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo result
exit 3
END
start_engine

# Three hosts, two callers each.
pids=()
for i in 0 1 2 3 4 5; do
	on $((i % 3)) -k herd -- "$TMP/work" >"$TMP/out.$i"
	pids+=($!)
done
logged run
blocked 2
touch "$TMP/go"
ends 3 "all have the command's status" "${pids[@]}"
is "$(sort "$TMP"/out.* | uniq -c | xargs)" "6 result" "... and output"
is "$(wc -l <"$TMP/log")" 1 "the command ran once"

# A kept result serves other hosts.
exits 3 "a run" sfshm-run -s "${hosts[0]}" --fleet "$url" --neg-ttl 1h \
	--json-status 3 -k kept -- "$TMP/work" 3>"$TMP/json"
like "$(cat "$TMP/json")" '"source":"computed".*"fleet":true' "... for the fleet"
exits 3 "a caller of another host" sfshm-run -s "${hosts[1]}" --fleet "$url" \
	--json-status 3 -k kept -- false 3>"$TMP/json"
like "$(cat "$TMP/json")" '"source":"cached".*"fleet":true' "... has its result"
is "$(cat "$TMP/out")" result "... and output"
exits 3 "a caller without a fleet" sfshm-run -s "${hosts[1]}" \
	--json-status 3 -k kept -- false 3>"$TMP/json"
is "$(grep -c fleet "$TMP/json")" 0 "... is told of none"

# The leader is killed; a caller of its host leads.
begin
on 0 -k killed -- "$TMP/work" >"$TMP/out.0" 2>"$TMP/err"
leader=$!
logged run
on 0 -k killed -- "$TMP/work" >"$TMP/out.1"
mate=$!
segment=${hosts[0]}
waiters killed 1
on 1 -k killed -- "$TMP/work" >"$TMP/out.2"
other=$!
blocked 1
kill -KILL "$leader"
logged run 2
ok "the other host still waits" engine_has "INFO clients" 'blocked_clients:1\r'
touch "$TMP/go"
ends 3 "a killed leader is replaced in its host" "$mate" "$other"
is "$(wc -l <"$TMP/log")" 2 "... by one caller"
is "$(cat "$TMP/out.1" "$TMP/out.2" | xargs)" "result result" "... for both"

# The leader's host is gone: its lease runs out.
begin
on 0 -k gone -- "$TMP/work" >"$TMP/out.0" 2>&1
leader=$!
logged run
on 1 -k gone -- "$TMP/work" >"$TMP/out.1"
other=$!
blocked 1
kill -KILL "$leader"
logged run 2
touch "$TMP/go"
ends 3 "the next host leads when the lease has run out" "$other"

# The engine dies: each host runs the command itself.
begin
on 0 -k away --json-status 3 -- "$TMP/work" 3>"$TMP/json" >"$TMP/out.0"
leader=$!
logged run
on 1 -k away -- "$TMP/work" >"$TMP/out.1" 2>"$TMP/err.1"
other=$!
blocked 1
kill -KILL "$engine"
logged run 2
touch "$TMP/go"
ends 3 "without its engine each host has a result" "$leader" "$other"
like "$(cat "$TMP/json")" '"fleet":false' "... and knows that it is its own"
like "$(cat "$TMP/err.1")" "this host runs the command for itself" \
	"... and says so when it begins"
segment=${hosts[1]}
exits 0 "sfshm-dump" sfshm-dump -s "$segment"
like "$(cat "$TMP/out")" \
	$'\nfleet +[0-9]+ led, [0-9]+ inherited, 0 fenced, [1-9][0-9]* without the engine; token [0-9]{16}; 1 engine away, next try in ' \
	"sfshm-dump shows what the host did, and that the engine is away"
exits 0 "sfshm-dump" sfshm-dump -s "$segment" --json
# On a slow machine the engine may also have been late for an earlier call.
like "$(grep -Eo '"fleet_(away|leads|local)": ?[0-9]+' "$TMP/out" |
	tr -d ' "' | sort | xargs)" \
	'^fleet_away:1 fleet_leads:[0-9]+ fleet_local:[1-9][0-9]*$' \
	"... as JSON, too"

# The URL of the environment.
start_engine
export SFSHM_FLEET=$url
exits 3 "a run" sfshm-run -s "${hosts[2]}" --neg-ttl 1h --json-status 3 \
	-k of-environment -- "$TMP/work" 3>"$TMP/json"
like "$(cat "$TMP/json")" '"source":"computed".*"fleet":true' \
	"the environment may have the URL"
exits 3 "a run that is kept" sfshm-run -s "${hosts[2]}" --keep \
	--json-status 3 -k of-environment-kept -- "$TMP/work" 3>"$TMP/json"
is "$(grep -c fleet "$TMP/json")" 0 "... but not for what goes with no fleet"
exits 3 "a run" sfshm-run -s "${hosts[2]}" --fleet "unix:$TMP/none" \
	--json-status 3 -k of-option -- "$TMP/work" 3>"$TMP/json"
like "$(cat "$TMP/json")" '"fleet":false' "... and the option counts more"
unset SFSHM_FLEET

exits 125 "a wrong URL" run --fleet http://x -k k -- true
like "$(cat "$TMP/err")" "the fleet's URL is not of the form" "... is explained"
exits 125 "--fleet with --lock" run --fleet "$url" --lock k -- true
exits 125 "--fleet with --file" run --fleet "$url" --file -k k -- true
done_testing
