#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment semaphore
ctl=(sfshm-ctl -s "$segment")
spawn sfshm-run -s "$segment" --semaphore gate:2 -- sleep 1000
holder=$!
wait_until seen "slots['gate']['semaphore']['in_use'] == 1"

exits 0 "it is shown" "${ctl[@]}" semaphore gate
is "$(<"$TMP/out")" "gate: 1 of 2 taken, 0 waiting" "... in a line"
exits 0 "its maximum is changed" "${ctl[@]}" semaphore gate --max 5
is "$(<"$TMP/out")" "gate: 1 of 5 taken, 0 waiting" "... in use"
exits 1 "it is not removed in use" "${ctl[@]}" semaphore gate --remove
like "$(<"$TMP/err")" "gate: busy: a permit is held" "... and says why"

kill -TERM "$holder"
wait "$holder"
exits 0 "it is removed" "${ctl[@]}" semaphore gate --remove
is "$(<"$TMP/out")" "removed semaphore gate" "... which is said"
exits 1 "it is gone" "${ctl[@]}" semaphore gate
like "$(<"$TMP/err")" "gate: no such semaphore; sfshm-dump" "... which is said"
exits 0 "--max makes it" "${ctl[@]}" semaphore gate --max 3
exits 2 "--max 0" "${ctl[@]}" semaphore gate --max 0
exits 2 "--max 1001" "${ctl[@]}" semaphore gate --max 1001
exits 2 "both" "${ctl[@]}" semaphore gate --max 3 --remove

done_testing
