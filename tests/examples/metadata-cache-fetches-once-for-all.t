#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/upstream.sh"

segment
upstream_start
echo one >"$up/files/a"
echo two >"$up/files/b"
touch "$up/hold"
crowd 12 -t 60000 /a
ok "one asks the server" wait_until requests_are /a 1
ok "11 others wait for it" waiters /a 11

spawn "$SFSHM_BUILD/examples/metadata-cache" -s "$segment" "$server" /b \
	>"$TMP/out.b" 2>"$TMP/err.b"
ok "another path is asked for meanwhile" wait_until requests_are /b 1

rm "$up/hold"
crowd_wait
is "$statuses" "12 0" "all succeed"
is "$(sort "$TMP"/out.[0-9]* | uniq -c | xargs)" "12 one" "all have the answer"
is "$(sed 's/^[^ ]* \([a-z]*\),.*/\1/' "$TMP"/err.[0-9]* | sort | uniq -c |
	xargs)" "11 awaited 1 fetched" "they say where they have it from"
is "$(cut -d ' ' -f 4 "$TMP"/err.[0-9]* | sort -u | wc -l)" 1 \
	"it is of one generation"
asks one cached "later ones have it too" /a
is "$(requests /a)" 1 "the server was asked once"
is "$(most_at_once)" 1 "and never twice at once for one path"
wait "$!"
is "$(<"$TMP/out.b")" two "the other path has its own answer"
done_testing
