#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment table
publish report
lead slow
follow slow 2

exits 0 "it is shown" sfshm-dump -s "$segment" --all
out=$(<"$TMP/out")
like "$out" "^segment +$segment, 20[0-9-]+ [0-9:]+"$'\n' \
	"the summary names the segment and the time"
like "$out" $'\n''keys +2 of 16384 \(0%\): 1 busy, 1 awaited, 0 failed, 0 dead' \
	"the keys in use, of how many"
like "$out" $'\n''memory +[0-9]+ of 16M \(0%\)' "the memory in use"
like "$out" $'\n''threads +3 alive, 2 waiting, 0 dead; 1021 of 1024 free' \
	"the threads"
like "$out" $'\n''calls +[0-9]+, [0-9]+% answered without a run; about .* saved' \
	"the work that was saved"
like "$out" $'\n''work +2 runs, 0 failed, 0 leaders died; ' "the work that was done"
like "$out" "file +$(path), mode 0600, owner $(id -u)" \
	"and its file, permissions and owner"
like "$out" $'\nwaiting +(futex_waitv|fallback)' "and how threads wait"

row=$(grep '^report ' "$TMP/out")
like "$row" '^report +value +done +0 +[0-9.]+m?s +[0-9.]+m?s +(59m[0-9]+s|1h00m) +[0-9.]+K? +-$' \
	"a published key: done, nobody works or waits, an hour to live"

row=$(grep '^slow ' "$TMP/out")
like "$row" "^slow +value +busy +2 +[0-9.]+m?s +- +- +- +$leader\$" \
	"a busy key: its leader lives, two wait"

participants=$(sed -n '/^PID/,/^$/p' "$TMP/out")
like "$participants" $'\n'"$leader +sfshm-run +1  -"$'\n' \
	"the leader is among the participants and leads one flight"
is "$(grep -c " slow *$leader sfshm-run\$" <<<"$participants")" 2 \
	"two of them sleep on the key"

counters=$(sed -n '/^COUNTERS/,/^$/p' "$TMP/out")
like "$counters" $'\npublishes +1 ' "counters that are not 0 are shown"
is "$(awk 'NR > 1 && NF && $2 == 0' <<<"$counters")" "" "those that are 0 are not"

is "$(sfshm-dump -s "$segment" | grep -c '^KEY\|^slow\|^report')" 3 \
	"without --all the keys are shown"
is "$(sfshm-dump -s "$segment" | sed -n '/^KEY/{n;p}' | cut -d ' ' -f 1)" slow \
	"the one that is waited for comes first"
is "$(sfshm-dump -s "$segment" | grep -c "^COUNTERS\|^$leader ")" 0 \
	"but no counters, and no threads that do not wait"

kill -STOP "${tap_children[@]:1}"
kill_leader
exits 0 "it is shown after a death" sfshm-dump -s "$segment" --key slow
like "$(grep '^slow ' "$TMP/out")" "^slow +value +dead +2 .* $leader\$" \
	"a dead leader is told from a living one"
kill -CONT "${tap_children[@]:1}"

long=$(printf 'k%.0s' {1..300})x
publish "$long"
sfshm-dump -s "$segment" >"$TMP/out"
like "$(grep '^kkk' "$TMP/out")" '^k{15}\.\.\.k{13}x value +done ' \
	"a long key is cut in the middle"
snapshot
is "$(json "$TMP/json" "'$long' in slots")" true "but not in JSON"

done_testing
