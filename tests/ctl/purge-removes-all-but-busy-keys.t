#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment purge
publish one
publish two
publish three
lead busy

exits 0 "it purges" sfshm-ctl purge -s "$segment"
is "$(<"$TMP/out")" "removed 3 keys; 1 busy now" "and says how many"
snapshot
is "$(json "$TMP/json" 'list(slots)')" "['busy']" "the busy key stays"

kill_leader
exits 0 "once more" sfshm-ctl purge -s "$segment"
is "$(<"$TMP/out")" "removed 1 key" "a dead leader keeps nothing"

exits 1 "a segment that is not there" sfshm-ctl purge -s "$segment-missing"

done_testing
