#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

segment
touch "$mint/hold.1"
crowd 4
ok "one mints" wait_until mints 1
ok "the others wait for it" waiters key 3
first=$(leader key)
like "${pids[*]}" "(^| )$first( |$)" "it is one of the crowd"
kill -KILL "$first"
ok "it is killed, and another one mints" wait_until mints 2
crowd_wait
is "$statuses" "3 0 1 137" "the others succeed"
is "$(cat "$TMP"/out.* | cut -d ' ' -f 2 | uniq -c | xargs)" "3 token-2" \
	"with the second token"
is "$(cat "$TMP"/err.* | grep -c 'minted, the last minter died')" 1 \
	"the one that took over was told of it"
gone()
{
	! kill -0 "$(head -n 1 "$mint/log")"
}
ok "the first command is dead as well" wait_until gone
done_testing
