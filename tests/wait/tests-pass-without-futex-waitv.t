#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On a kernel without futex_waitv(2) (before Linux 5.16) the library keeps its
# promises: tests of this build pass while each futex_waitv() of theirs, and of
# the processes that they start, answers ENOSYS.
. "${0%/*}/../lib/tap.sh" || exit 1

without=(strace -f -qq --seccomp-bpf -o "$TMP/calls" -e trace=futex_waitv
	-e inject=futex_waitv:error=ENOSYS)
[ -z "$SFSHM_SANITIZE" ] || skip_all "the default build runs these"
"${without[@]}" true 2>/dev/null || skip_all "strace cannot inject errors here"

for name in flight-killed-leader-is-replaced flight-errors-reach-every-follower \
	flight-one-leader-per-key-in-a-crowd flight-released-flight-wakes-one-follower \
	flight-stolen-flight-is-fenced flight-cancel-token-ends-the-wait \
	lock-dead-holder-hands-over-at-once segment-an-open-that-fails-says-why; do
	exits 0 "$name" "${without[@]}" "$SFSHM_BUILD/tests/$name"
	is "$(grep -c '^not ok' "$TMP/out")" 0 "... and nothing in it is not so"
	cat "$TMP/calls" >>"$TMP/all"
done
ok "the library asked for the call" grep -q ENOSYS "$TMP/all"
is "$(grep -c ' = [0-9]' "$TMP/all")" 0 "... and never got it"
done_testing
