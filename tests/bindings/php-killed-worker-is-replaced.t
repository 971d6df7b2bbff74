#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: if the worker of PHP-FPM that runs the work is killed, another one
# that waits runs it, and only the killed one's request is lost.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment
page work <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
echo $cache->get('key', function () {
    file_put_contents(TMP . '/log', "run key\n", FILE_APPEND);
    if (substr_count(file_get_contents(TMP . '/log'), 'run') == 1) {
        file_put_contents(TMP . '/leader', getmypid());
        sleep(600);
    }
    return "value\n";
}, null, $about), $about['owner_died'] ? 'the leader died' : '';
END_OF_PAGE
serve 8

crowd 8 work
asked=$!
waiters key 7
kill -KILL "$(cat "$TMP/leader")"
wait "$asked"
is "$(grep -lx value "$TMP"/crowd.* | wc -l)" 7 "the seven others get the value"
is "$(runs key)" 2 "one of them has run the work anew"
is "$(grep -c 'leader died' "$TMP"/crowd.* | grep -c ':1$')" 1 \
	"that one knows that the leader died"
is "$(ask work)" value "the next one finds the value"
stop_servers
all_is_well
done_testing
