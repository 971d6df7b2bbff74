#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: a reload of PHP-FPM lets the work and those that wait for it
# finish; a reload that does not wait kills them, and leaves no key that cannot
# be had.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

page work <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
echo $cache->get('key', function () {
    file_put_contents(TMP . '/log', "run key\n", FILE_APPEND);
    while (!file_exists(TMP . '/go')) {
        usleep(10000);
    }
    return "value\n";
});
END_OF_PAGE

reloaded()
{
	[ "$(grep -c 'Reloading in progress\|ready to handle' "$TMP/fpm.log")" \
		-ge 3 ]
}

segment gentle
serve 4 "process_control_timeout = 600s"
crowd 4 work
asked=$!
waiters key 3
kill -USR2 "$master"
wait_until grep -q 'Reloading in progress' "$TMP/fpm.log"
touch "$TMP/go"
wait "$asked"
is "$(answers)" "4 value" "all four get the value"
wait_until reloaded
is "$(ask work)" value "a worker of the new server has it"
is "$(runs key)" 1 "the work has run once"
stop_servers
all_is_well

rm -f "$TMP/go" "$TMP/log" "$TMP/fpm.log"
segment harsh
serve 4
crowd 4 work
asked=$!
waiters key 3
kill -USR2 "$master"
wait "$asked"
wait_until reloaded
touch "$TMP/go"
is "$(ask work)" value "after a reload that kills, the key can be had"
stop_servers
all_is_well
done_testing
