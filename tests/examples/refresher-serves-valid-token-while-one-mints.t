#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

# A token that lives 63 s is due after 3 s, and valid for a minute more.
segment
echo 63 >"$mint/life"
gets token-1 minted "the first token" -m 60000
ok "it is due" older key 3000
echo 3600 >"$mint/life"
touch "$mint/hold.2"
crowd 1 -m 60000
ok "one process mints" wait_until mints 2
for i in 1 2 3; do
	gets token-1 "cached, due" "the others go on with the old one: $i" \
		-m 60000
done
old=$generation
rm "$mint/hold.2"
crowd_wait
like "$statuses:$(<"$TMP/out.0")" "^1 0:[0-9]+ token-2$" "it has the new one"
gets token-2 cached "and so has everybody" -m 60000
ok "generations grow" [ "$generation" -gt "$old" ]
ok "one process minted" mints 2
done_testing
