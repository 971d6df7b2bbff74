#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment semaphore
exits 0 "a semaphore is made" \
	sfshm-run -s "$segment" --semaphore two:2 -- true
exits 1 "a value of that name is another thing" \
	sfshm-ctl forget -s "$segment" two
exits 1 "it stays while a command has a permit" \
	sfshm-run -s "$segment" --semaphore two:2 -- \
	sfshm-ctl remove-semaphore -s "$segment" two
like "$(<"$TMP/err")" "^sfshm-ctl: two: busy: a permit is held" "and says why"
exits 0 "it is removed" sfshm-ctl remove-semaphore -s "$segment" two
is "$(<"$TMP/out")" "removed semaphore two" "which is said"
exits 1 "it is gone" sfshm-ctl -s "$segment" remove-semaphore two
is "$(<"$TMP/err")" \
	"sfshm-ctl: two: no such semaphore; sfshm-dump -s $segment --kind semaphore shows them" \
	"and what to do"
exits 2 "no name" sfshm-ctl remove-semaphore -s "$segment"

done_testing
