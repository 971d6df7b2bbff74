#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: 64 connections to nginx and PHP-FPM ask for one key at once: the
# work runs once, and all get its value, once per lifetime.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment
page work <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300]);
echo $cache->entry($_GET['key'], function (string $key) {
    file_put_contents(TMP . '/log', "run $key\n", FILE_APPEND);
    while (!file_exists(TMP . '/go')) {
        usleep(10000);
    }
    return "value of $key\n";
}, 3600);
END_OF_PAGE
# When a run may begin is known from the end of the one before it.
page short <<'END_OF_PAGE'
$cache = new Sfshm\Cache(null, ['timeout' => 300, 'ttl' => 0.3, 'beta' => 0]);
do {
    $cache->get('short', function () {
        $begin = hrtime(true);
        file_put_contents(TMP . '/short', $begin . ' ' . hrtime(true) . "\n", FILE_APPEND);
        return 1;
    });
    usleep(1000);
} while (count(file(TMP . '/short')) < 3);
echo "done\n";
END_OF_PAGE
serve 64

for key in first second; do
	rm -f "$TMP/go"
	crowd 64 "work?key=$key"
	asked=$!
	waiters "$key" 63
	touch "$TMP/go"
	wait "$asked"
	is "$(answers)" "64 value of $key" "$key: all 64 get the value"
	is "$(runs "$key")" 1 "$key: one of them has run the work"
done

crowd 16 short
wait $!
is "$(answers)" "16 done" "16 connections ask for a value of 300 ms"
# Lifetimes are counted by a clock that is up to 10 ms behind.
is "$(awk 'NR > 1 && $1 < last + 2.8e8 { early++ } { last = $2 }
	END { print (NR > 1) + 0, early + 0 }' "$TMP/short")" "1 0" \
	"there are several runs, and no two within a lifetime"
stop_servers
all_is_well
done_testing
