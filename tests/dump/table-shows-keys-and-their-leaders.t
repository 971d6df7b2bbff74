#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment table
publish report
lead slow
follow slow 2

exits 0 "it is shown" sfshm-dump -s "$segment"
out=$(<"$TMP/out")
like "$out" "(^|"$'\n'")segment +$segment"$'\n' "the header names the segment"
like "$out" "file +$(path), mode 0600, owner $(id -u)" \
	"and its file, permissions and owner"
like "$out" $'\nwaiting +(futex_waitv|fallback)' "and how threads wait"

row=$(grep '^report ' "$TMP/out")
like "$row" '^report +value +done +[0-9]+ - +0 +[0-9.]+m?s +(59m[0-9]+s|1h00m) +[0-9.]+K? +0$' \
	"a published key: done, nobody works or waits, an hour to live"

row=$(grep '^slow ' "$TMP/out")
like "$row" "^slow +value +busy +[0-9]+ $leader/$leader alive +2 " \
	"a busy key: its leader lives, two wait"

participants=$(sed -n '/^INDEX/,/^$/p' "$TMP/out")
like "$participants" "$leader/$leader +sfshm-run +alive +1 " \
	"the leader is among the participants and leads one flight"
is "$(grep -c 'alive .* slow ('"$leader/$leader"' has it)$' <<<"$participants")" 2 \
	"two of them sleep on the key"

counters=$(sed -n '/^COUNTERS/,/^$/p' "$TMP/out")
like "$counters" $'\npublishes +1 ' "counters that are not 0 are shown"
is "$(awk 'NR > 1 && NF && $2 == 0' <<<"$counters")" "" "those that are 0 are not"

kill -STOP "${tap_children[@]:1}"
kill_leader
exits 0 "it is shown after a death" sfshm-dump -s "$segment" --key slow
like "$(grep '^slow ' "$TMP/out")" " $leader/$leader dead " \
	"a dead leader is told from a living one"
kill -CONT "${tap_children[@]:1}"

long=$(printf 'k%.0s' {1..300})
publish "$long"
sfshm-dump -s "$segment" >"$TMP/out"
like "$(grep '^kkk' "$TMP/out")" '^k{29}\.\.\. value +done ' \
	"a long key is cut in the table"
snapshot
is "$(json "$TMP/json" "'$long' in slots")" true "but not in JSON"

done_testing
