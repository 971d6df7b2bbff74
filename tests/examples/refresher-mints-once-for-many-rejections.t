#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

segment
gets token-1 minted "the first token"
old=$generation
touch "$mint/hold.2"
crowd 6 -r "$old"
ok "it is rejected six times: one mints" wait_until mints 2
ok "the others wait" waiters key 5
gets token-1 cached "who was not rejected goes on with it"
rm "$mint/hold.2"
crowd_wait
is "$statuses" "6 0" "all succeed"
is "$(cut -d ' ' -f 2 "$TMP"/out.* | sort | uniq -c | xargs)" "6 token-2" \
	"with the new one"
gets token-2 cached "one that is rejected later finds it there" -r "$old"
ok "generations grow" [ "$generation" -gt "$old" ]
ok "it was minted once for all of them" mints 2
done_testing
