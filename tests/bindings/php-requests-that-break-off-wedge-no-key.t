#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: a request may leave the work by exit(), a fatal error, its memory
# limit, its time limit, or with a fiber inside that nobody resumes. The one
# that waits leads at once, though the worker lives on; and locks and permits go
# back.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment
page leave <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
$lock = $cache->lock('lock');
$permit = $cache->acquire('permit', 1);
$GLOBALS['kept'] = [$lock, $permit];
$way = $_GET['way'];
$break = function () use ($way) {
    file_put_contents(TMP . '/log', "run $way\n", FILE_APPEND);
    while (!file_exists(TMP . '/go')) {
        usleep(10000);
    }
    switch ($way) {
    case 'exit':
        exit("left\n");
    case 'memory':
        ini_set('memory_limit', '4M');
        while (true) $a[] = str_repeat('x', 10000);
    case 'time':
        set_time_limit(1);
        while (true);
    case 'error':
        trigger_error('an error', E_USER_ERROR);
    case 'fiber':
        Fiber::suspend();
    case 'killed':
        Fiber::suspend();
    }
};
if ($way == 'fiber' || $way == 'killed') {
    $fiber = new Fiber(fn() => $cache->get($way, $break));
    $fiber->start();
    if ($way == 'killed') trigger_error('an error', E_USER_ERROR);
} else {
    $cache->get($way, $break);
}
END_OF_PAGE
page follow <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
echo $cache->get($_GET['way'], fn() => 'made by the next one');
END_OF_PAGE
page held <<'END_OF_PAGE'
$cache = new Sfshm\Cache;
$lock = $cache->lock('lock', 300);
$permit = $cache->acquire('permit', 1, 300);
echo $lock->ownerDied() ? 'died' : 'given back';
END_OF_PAGE
# What the shutdown functions of the same request find.
page after <<'END_OF_PAGE'
$cache = new Sfshm\Cache;
register_shutdown_function(function () use ($cache) {
    echo $cache->get('after', fn() => 'made afterwards');
});
$cache->get('after', fn() => trigger_error('an error', E_USER_ERROR));
END_OF_PAGE
serve 2

for way in exit memory time error fiber killed; do
	rm -f "$TMP/go"
	ask_later leader "leave?way=$way"
	leader=$!
	wait_until begun "$way" 1
	ask_later follower "follow?way=$way"
	follower=$!
	waiters "$way" 1
	touch "$TMP/go"
	wait "$leader" "$follower"
	is "$(cat "$TMP/follower")" "made by the next one" \
		"$way: the one that waits leads, and makes the value"
	is "$(ask held)" "given back" "$way: the lock and the permit go back"
	is "$(sfshm-dump -s "$segment" --json | grep -c '"flights": [1-9]')" 0 \
		"$way: nobody leads or holds anything"
done
is "$(ask after | tail -n 1)" "made afterwards" \
	"a function at the request's end gets the key that the request led"
is "$(grep -c 'exited on signal' "$TMP/fpm.log")" 0 "no worker has died"
stop_servers
all_is_well
done_testing
