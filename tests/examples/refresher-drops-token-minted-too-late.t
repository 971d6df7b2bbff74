#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

# A mint may take 300 ms. The first one hangs; it lives, so that only its age
# speaks against it.
segment
touch "$mint/hold.1"
crowd 1 -l 300
ok "one process mints, and hangs" wait_until mints 1
gets token-2 minted "another one mints in its place" -l 300
new=$generation
rm "$mint/hold.1"
crowd_wait
is "$statuses:$(<"$TMP/out.0")" "1 0:$new token-2" \
	"the first one takes the newer token for its own"
like "$(<"$TMP/err.0")" "key: minted too late, dropped" "and says why"
gets token-2 cached "the late token is nobody's"
ok "there were two mints" mints 2
done_testing
