#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An operator with a terminal of 24 lines and 80 columns: one picture answers
# who holds what since when, who waits for whom, what fails and why, what is
# dead, how full the segment is and how much work was saved.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

command -v script >/dev/null || skip_all "no script(1)"
segment busy
sfshm-ctl create -s "$segment" --slots 100 --max-value 4K >"$TMP/out"
for i in {1..20}; do
	publish "report-$i"
done
sfshm-run -s "$segment" -k broken --neg-ttl 1h -- \
	head -c 100000 /dev/zero >"$TMP/out" 2>"$TMP/err"
lead slow-query
follow slow-query 2
spawn sfshm-run -s "$segment" --lock nightly -- sleep 1000
holder=$!
wait_until seen "slots['nightly']['phase'] == 'busy'"
spawn sfshm-run -s "$segment" -k orphan -- sleep 1000
orphan=$!
wait_until seen "slots['orphan']['phase'] == 'busy'"
{
	kill -KILL "$orphan" && wait "$orphan"
} 2>/dev/null

# screen ARGUMENT...: the picture on such a terminal
screen()
{
	script -qec "stty rows 24 cols 80; exec sfshm-dump -s $segment $*" \
		"$TMP/typescript" </dev/null | tr -d '\r'
}

screen >"$TMP/picture"
picture=$(<"$TMP/picture")
is "$(awk 'length > most { most = length } END { print (most <= 80) }' \
	"$TMP/picture")" 1 "no line is wider than the screen"
is "$(($(wc -l <"$TMP/picture") <= 23))" 1 "nothing has scrolled off"
like "$picture" $'\n''keys +24 of 100 \(24%\): 2 busy, 1 awaited, 1 failed, 1 dead' \
	"how full it is"
like "$picture" $'\n''memory +[0-9.]+K of 16M \(0%\)' "in memory as well"
like "$picture" $'\n'"slow-query +value +busy +2 +[0-9.]+m?s .* $leader"$'\n' \
	"who works, for how many, since when"
like "$picture" $'\n'"nightly +lock +busy +0 +[0-9.]+m?s .* $holder"$'\n' \
	"who holds a lock"
like "$picture" $'\n'"orphan +value +dead +0 .* $orphan"$'\n' "who is dead"
like "$picture" $'\n''broken +value +failed .*'$'\n'' +-[0-9]+ output of broken is larger' \
	"what fails and why, below its row"
like "$picture" $'\n'"[0-9]+ +sfshm-run +0  slow-query +$leader sfshm-run"$'\n' \
	"who waits for whom"
like "$picture" 'calls +[0-9]+, [0-9]+% answered without a run; about .* saved' \
	"how much work was saved"
like "$picture" $'\n''\.\.\. and [0-9]+ more than the screen holds' \
	"the rest is counted"
is "$(screen --limit 0 | grep -c '^report-')" 20 "--limit 0 shows it all"
is "$(screen --limit 3 | grep -c '^[a-z-]* *\(value\|lock\) ')" 3 \
	"--limit 3 shows three"

if ! command -v strace >/dev/null; then
	skip "no strace here" "a picture is one write"
else
	script -qec "stty rows 24 cols 80; exec timeout -s INT 5 strace -o $TMP/trace \
		-e trace=write sfshm-dump -s $segment --watch 0.1" \
		"$TMP/typescript" </dev/null >"$TMP/out" 2>&1
	is "$(grep -c '^write(1, .*\\33\[H' "$TMP/trace")" \
		"$(grep -c '^write(1, ".*\\33\[H\\33\[2Jsegment' "$TMP/trace")" \
		"each picture begins a write"
	is "$(grep '^write(1' "$TMP/trace" | grep -vc 'segment\|\[?1049l')" 0 \
		"and no write goes on with it"
fi

done_testing
