#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The segment's file goes away while a command runs under a lock or a permit,
# as at a logout with logind's RemoveIPC: sfshm-run says so while the command
# still runs, and later callers wait for it all the same.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script stay <<'END_OF_SCRIPT'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
exit 5
END_OF_SCRIPT

remove()
{
	rm "$(sfshm-dump -s "$segment" --json | sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' |
		head -n 1)"
}

told()
{
	grep -q "$1 key: the segment's file was removed.*RemoveIPC=no" "$TMP/holder"
}

for kind in lock semaphore; do
	rm -f "$TMP/go"
	: >"$TMP/log"
	what=(--lock key)
	[ $kind = lock ] || what=(--semaphore key:1)
	spawn_run "${what[@]}" -- "$TMP/stay" 2>"$TMP/holder"
	holder=$!
	logged stay
	ok "the file can be removed" remove
	ok "who holds a $kind is told while it runs" wait_until told $kind
	exits 124 "... and it is held for who comes now" \
		run "${what[@]}" -n -- true
	touch "$TMP/go"
	ends 5 "... and gives the command's status" $holder
	is "$(wc -l <"$TMP/holder")" 1 "... and says it once"
	exits 0 "... then it is free" run "${what[@]}" -n -- true
	is "$(cat "$TMP/err")" "" "... with nothing to be said"
done
done_testing
