#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: with a fleet, the workers of several hosts (here: segments) share
# one run of the callback. A request that leaves the callback, in whatever way,
# and a worker that is killed in it, leave the key to another host, though the
# worker's host lives on. A hit asks the server for nothing.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"
. "${0%/*}/../bindings/engine.sh"

segment there
there=$segment
segment here
here=$segment
start_engine
page get <<END_OF_PAGE
\$cache = new Sfshm\\Cache(\$_GET['host'], ['timeout' => 300, 'fleet' => '$url',
    'fleet_options' => ['strict' => true, 'lease' => (float) (\$_GET['lease'] ?? 600)]]);
\$way = \$_GET['way'] ?? 'value';
\$key = \$_GET['key'];
echo \$cache->get(\$key, function () use (\$way, \$key) {
    file_put_contents(TMP . '/log', "run \$key\n", FILE_APPEND);
    file_put_contents(TMP . '/worker', getmypid());
    while (\$way != 'now' && !file_exists(TMP . '/go')) {
        usleep(10000);
    }
    switch (\$way) {
    case 'exit':
        exit("left\n");
    case 'memory':
        ini_set('memory_limit', '4M');
        while (true) \$a[] = str_repeat('x', 10000);
    case 'error':
        trigger_error('an error', E_USER_ERROR);
    case 'throw':
        throw new LogicException('no such price', 42);
    case 'fiber':
        Fiber::suspend();
    }
    return "made by \$_GET[host]";
});
END_OF_PAGE
page fiber <<'END_OF_PAGE'
$_GET['way'] = 'fiber';
$fiber = new Fiber(function () { include TMP . '/www/get.php'; });
$fiber->start();
END_OF_PAGE
serve 4

ask_later leader "get?host=$here&key=one"
leader=$!
wait_until begun one 1
ask_later follower "get?host=$there&key=one"
follower=$!
blocked 1
touch "$TMP/go"
wait "$leader" "$follower"
is "$(cat "$TMP/leader")" "made by $here" "the host that leads makes the value"
is "$(cat "$TMP/follower")" "made by $here" "the other one waits, and gets it"
is "$(runs one)" 1 "there is one run"

# A worker's first request on a segment asks no more than its later ones do.
before="$(requests "$here") $(requests "$there")"
for host in "$here" "$there" "$here" "$there"; do
	is "$(ask "get?host=$host&key=one")" "made by $here" "a hit on $host"
done
is "$(requests "$here") $(requests "$there")" "$before" \
	"no hit asks the server for anything"

for way in exit memory error fiber; do
	rm -f "$TMP/go"
	page="get"
	[ "$way" != fiber ] || page="fiber"
	ask_later leader "$page?host=$here&key=$way&way=$way"
	leader=$!
	wait_until begun "$way" 1
	ask_later follower "get?host=$there&key=$way&way=now"
	follower=$!
	[ "$way" = fiber ] || blocked 1
	touch "$TMP/go"
	wait "$leader" "$follower"
	# The lease is of ten minutes, which is longer than curl waits.
	is "$(cat "$TMP/follower")" "made by $there" \
		"$way: the other host leads, and makes the value"
done
is "$(grep -c 'exited on signal' "$TMP/fpm.log")" 0 "no worker has died"

rm -f "$TMP/go"
ask_later leader "get?host=$here&key=throw&way=throw"
leader=$!
wait_until begun throw 1
ask_later follower "get?host=$there&key=throw&way=now"
follower=$!
blocked 1
touch "$TMP/go"
wait "$leader" "$follower"
like "$(cat "$TMP/follower")" "Sfshm.WorkException: no such price" \
	"a failure reaches the other host"

rm -f "$TMP/go"
ask_later leader "get?host=$here&key=killed&lease=2"
leader=$!
wait_until begun killed 1
worker=$(cat "$TMP/worker")
ask_later follower "get?host=$here&key=killed&way=now&lease=2"
follower=$!
segment=$here waiters killed 1
kill -KILL "$worker"
wait "$leader" "$follower"
is "$(cat "$TMP/follower")" "made by $here" \
	"if the leader is killed, a worker of its host takes over"
is "$(ask "get?host=$there&key=killed")" "made by $here" \
	"the other host has its value"

ask_later leader "get?host=$here&key=gone&lease=2"
leader=$!
wait_until begun gone 1
kill -KILL "$(cat "$TMP/worker")"
wait "$leader"
is "$(ask "get?host=$there&key=gone&way=now&lease=2")" "made by $there" \
	"if nobody of its host asks again, the lease ends and another host leads"
stop_servers
all_is_well
segment=$there all_is_well
done_testing
