#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1
[ "$SFSHM_SANITIZE" != thread ] || skip_all "it sees no other process"

exits 0 "what all processes tell fits together" \
	"$SFSHM_BUILD/tests/stress/storm" --seconds 5
diag "$(cat "$TMP/out")"
told=$(sed -n 's/^things told.* //p' "$TMP/out")
ok "... and they tell much" [ "${told:-0}" -gt 1000 ]
for what in "fresh values with tags seen" "locks held shared" \
	"calls for a flight made by another thread" \
	"tasks and threads that left something behind"; do
	n=$(sed -n "s/^$what.* //p" "$TMP/out")
	ok "$what: there are some" [ "${n:-0}" -gt 0 ]
done
done_testing
