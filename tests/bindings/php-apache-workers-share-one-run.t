#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: the workers of Apache's prefork run a key's work once; a worker
# that is killed, a graceful restart, and a request that breaks off its work
# leave no key that cannot be had.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

restarted()
{
	[ "$(grep -c 'resuming normal operations' "$TMP/apache.log")" -eq 2 ]
}

# The first run for the keys exit, error and time ends in that way.
page work <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
echo $cache->get($_GET['key'], function () {
    $key = $_GET['key'];
    file_put_contents(TMP . '/log', "run $key\n", FILE_APPEND);
    if (substr_count(file_get_contents(TMP . '/log'), "run $key\n") > 1) {
        return "made anew\n";
    }
    file_put_contents(TMP . '/leader', getmypid());
    while (!file_exists(TMP . '/go')) {
        usleep(10000);
    }
    if ($key == 'exit') exit("left\n");
    if ($key == 'error') trigger_error('an error', E_USER_ERROR);
    if ($key == 'time') { set_time_limit(1); while (true); }
    return "value\n";
});
END_OF_PAGE
segment
serve_apache 32

crowd 32 "work?key=herd"
asked=$!
waiters herd 31
touch "$TMP/go"
wait "$asked"
is "$(answers)" "32 value" "a crowd of 32 gets one value"
is "$(runs herd)" 1 "... of one run"

rm "$TMP/go"
crowd 16 "work?key=killed"
asked=$!
waiters killed 15
kill -KILL "$(cat "$TMP/leader")"
wait "$asked"
is "$(answers)" "15 made anew" "a killed leader's followers get a value"
is "$(runs killed)" 2 "... of one more run"

# Children end their requests, and the parent loads the extension anew.
crowd 8 "work?key=restart"
asked=$!
waiters restart 7
kill -USR1 "$master"
wait_until restarted
touch "$TMP/go"
wait "$asked"
is "$(answers)" "8 value" "a graceful restart breaks no request"
is "$(ask "work?key=restart")" value "... and the new workers find the value"
is "$(runs restart)" 1 "... without another run"

for way in exit error time; do
	rm "$TMP/go"
	ask_later leader "work?key=$way"
	leader=$!
	wait_until begun "$way" 1
	ask_later follower "work?key=$way"
	follower=$!
	waiters "$way" 1
	touch "$TMP/go"
	wait "$leader" "$follower"
	is "$(cat "$TMP/follower")" "made anew" \
		"$way in the work: the one that waits leads"
done
is "$(grep -c 'exit signal' "$TMP/apache.log")" 0 \
	"no worker has died of itself"
stop_servers
all_is_well
done_testing
