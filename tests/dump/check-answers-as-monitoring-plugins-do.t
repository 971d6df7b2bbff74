#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment check
sfshm-ctl create -s "$segment" --slots 10 --participants 16 >"$TMP/out"
publish one
publish two
lead busy
follow busy 2

# check STATUS REGEX DESCRIPTION ARGUMENT...: one line that matches
check()
{
	local status=$1 regex=$2 what=$3
	shift 3
	exits "$status" "$what" sfshm-dump -s "$segment" "$@"
	like "$(<"$TMP/out")" "$regex" "... in one line"
	is "$(wc -l <"$TMP/out")" 1 "... and no more"
}

check 0 "^SFSHM OK - $segment: waiters 2 \| waiters=2;;50;0\$" \
	"below its limit" --check waiters=50
check 2 "^SFSHM CRITICAL - $segment: waiters 2 \(busy\) \| waiters=2;;2;0\$" \
	"at its limit" --check waiters=2
check 1 "^SFSHM WARNING - .*waiters=2;1;3;0\$" "at the first of two limits" \
	--check waiters=1:3
check 0 "slots 3 of 10 \(30%\).* slots=3;;4;0;10\$" \
	"a share, rounded up" --check slots=31%
check 2 "^SFSHM CRITICAL .*slots 3 of 10" "a share that is reached" \
	--check slots=30%
check 2 "participants 3 of 16" "a number of participants" \
	--check participants=3
check 0 "memory=[0-9]+B;;15099495;0;16777216\$" "memory in bytes" \
	--check=memory=90%
wait_until seen "slots['busy']['age_ms'] > 100"
check 2 "CRITICAL - $segment: age [0-9.]+s \(busy\) \| age=.*s;60.000;0.100;0 failed=0;;1;0\$" \
	"one of two limits is passed, and named" --check age=1m:100ms,failed=1
check 0 "SFSHM OK - $segment: waiters 0" "filters choose the keys" \
	--key 'o*' --check waiters=1
check 1 "WARNING - $segment: no key matches" "no match: exit status 1" \
	--key nothing --check
check 0 "OK - $segment\$" "a match: 0" --key one --check
kill -STOP "${tap_children[@]:1}"
kill_leader
check 2 "dead 1 \(busy\)" "a dead leader" --check dead=1
exits 3 "no segment: 3" sfshm-dump -s "$segment-missing" --check waiters=1
like "$(<"$TMP/out")" "^SFSHM UNKNOWN - $segment-missing: cannot open" "why"

done_testing
