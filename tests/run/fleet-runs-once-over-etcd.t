#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-F11: with --fleet and a URL of etcd, the callers of several hosts
# (here: segments) share one run, also if its leader is killed. Nothing shows
# the password of the URL's file.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

command -v etcd >/dev/null || skip_all "etcd is not installed"
command -v curl >/dev/null || skip_all "curl is not installed"
[ -e "$SFSHM_BUILD/src/libsfshm-etcd.so.0" ] ||
	skip_all "libsfshm-etcd is not built"

# Two ports that were free a moment ago.
read -r port peer < <(python3 -c '
import socket
s = [socket.socket() for _ in "ab"]
for one in s:
	one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in s))')
at=http://127.0.0.1:$port
spawn etcd --data-dir "$TMP/data" --listen-client-urls "$at" \
	--advertise-client-urls "$at" \
	--listen-peer-urls "http://127.0.0.1:$peer" \
	--initial-advertise-peer-urls "http://127.0.0.1:$peer" \
	--initial-cluster "default=http://127.0.0.1:$peer" 2>"$TMP/engine.log"
engine_is_healthy()
{
	curl -fsS "$at/health" 2>/dev/null | grep -q true
}
wait_until engine_is_healthy || fail "the engine answers"

# watched N: waits until N hosts wait for another one
watchers_are()
{
	curl -fsS "$at/metrics" |
		grep -q "^etcd_debugging_mvcc_watcher_total $1\$"
}
watched()
{
	wait_until watchers_are "$1" || fail "$1 hosts wait"
}

echo secret >"$TMP/password"
url="etcd://127.0.0.1:$port?ns=t&user=u&password-file=$TMP/password"
hosts=()
for host in a b; do
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

script work <<'END'
echo run >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
echo result
exit 3
END
: >"$TMP/log"

# Two hosts, two callers each.
pids=()
for i in 0 1 2 3; do
	on $((i % 2)) -k herd -- "$TMP/work" >"$TMP/out.$i"
	pids+=($!)
done
logged run
watched 1
exits 0 "sfshm-dump" sfshm-dump -s "${hosts[0]}" --json
is "$(grep -c secret "$TMP/out")" 0 "no dump shows the password"
touch "$TMP/go"
ends 3 "all have the command's status" "${pids[@]}"
is "$(sort "$TMP"/out.* | uniq -c | xargs)" "4 result" "... and output"
is "$(wc -l <"$TMP/log")" 1 "the command ran once"

# The leader is killed; a caller of its host leads.
rm -f "$TMP/go"
: >"$TMP/log"
on 0 -k killed -- "$TMP/work" >"$TMP/out.0" 2>"$TMP/err"
leader=$!
logged run
on 0 -k killed -- "$TMP/work" >"$TMP/out.1"
mate=$!
segment=${hosts[0]}
waiters killed 1
on 1 -k killed -- "$TMP/work" >"$TMP/out.2"
other=$!
watched 1
kill -KILL "$leader"
logged run 2
touch "$TMP/go"
ends 3 "a killed leader is replaced in its host" "$mate" "$other"
is "$(wc -l <"$TMP/log")" 2 "... by one caller"

exits 125 "a wrong URL" run --fleet "etcd://h?what=1" -k k -- true
like "$(cat "$TMP/err")" "the fleet's URL is not of the form etcd" \
	"... is explained"
done_testing
