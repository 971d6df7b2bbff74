#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

segment
touch "$mint/hold.1"
crowd 8
ok "one mints" wait_until mints 1
ok "the others wait for it" waiters key 7
rm "$mint/hold.1"
crowd_wait
is "$statuses" "8 0" "all succeed"
is "$(sort "$TMP"/out.* | uniq -c | xargs)" \
	"8 $(sort -u "$TMP"/out.* | xargs)" "all have the same token"
gets token-1 cached "later ones have it too"
ok "it was minted once" mints 1
is "$generation" "$(cut -d ' ' -f 1 "$TMP/out.0")" "its generation is told"
done_testing
