#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment verify
sfshm-ctl create -s "$segment" --slots 64 --participants 8 --bytes 64K \
	--max-value 4K >"$TMP/out"
exits 0 "an unused segment is clean" sfshm-ctl verify -s "$segment"
for i in {1..20}; do
	publish "key-$i" "value-$i"
done
exits 0 "a used one as well" sfshm-ctl verify -s "$segment"
is "$(<"$TMP/out")" "$segment: clean" "which is said"

lead slow
exits 0 "and one with work under way" sfshm-ctl verify -s "$segment"
kill_leader
exits 0 "what the dead leave is no damage" sfshm-ctl verify -s "$segment"

# Each byte that is in use in turn, until one of them matters.
cp "$(path)" "$TMP/whole"
damage()
{
	python3 -c '
import sys
whole = open(sys.argv[1], "rb").read()
used = [at for at in range(8192, len(whole)) if whole[at]]
print(*used[::max(1, len(used) // 60)])
' "$TMP/whole"
}
found=0
crashed=
for at in $(damage); do
	cp "$TMP/whole" "$TMP/damaged"
	chmod 600 "$TMP/damaged"
	flip "$TMP/damaged" "$at"
	timeout 120 sfshm-ctl verify -s "$TMP/damaged" >"$TMP/out" 2>"$TMP/err"
	status=$?
	[ $status -le 1 ] || crashed+=" $at:$status"
	if [ $status = 1 ] && grep -q ' finding' "$TMP/out"; then
		found=$((found + 1))
		cp "$TMP/out" "$TMP/findings"
	fi
done
is "$crashed" "" "damage never crashes it"
[ $found -gt 0 ]
is $? 0 "damage is found"
diag "in $found cases"
like "$(tail -n 1 "$TMP/findings")" \
	"damaged: [0-9]+ findings?; make the segment anew$" "and summed up"
is "$(($(wc -l <"$TMP/findings") - 1))" \
	"$(sed -n 's/.*: \([0-9]*\) finding.*/\1/p' "$TMP/findings")" \
	"each finding has its line"

flip "$TMP/whole" 20
chmod 600 "$TMP/whole"
exits 1 "a damaged header" sfshm-ctl verify -s "$TMP/whole"
is "$(wc -l <"$TMP/err")" 1 "is reported in one line"
exits 1 "a segment that is not there" sfshm-ctl verify -s "$segment-missing"
is "$(wc -l <"$TMP/err")" 1 "as well"

done_testing
