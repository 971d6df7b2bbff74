#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

segment forget
publish report
publish other
publish -dash
publish $'tab\t'

keys()
{
	snapshot
	json "$TMP/json" '" ".join(sorted(slots))'
}

exits 0 "a key is removed" sfshm-ctl forget report -s "$segment"
is "$(<"$TMP/out")" "forgot report" "which is said"
is "$(keys)" $'-dash other tab\t' "it is gone, the others are not"
exits 0 "a key with a dash" sfshm-ctl forget -s "$segment" -- -dash
exits 0 "a key with a tab" sfshm-ctl -s "$segment" forget $'tab\t'
is "$(<"$TMP/out")" 'forgot tab\t' "is escaped in the message"

exits 1 "no such key" sfshm-ctl forget -s "$segment" report
is "$(<"$TMP/err")" \
	"sfshm-ctl: report: no such key; sfshm-dump -s $segment shows them" \
	"and what to do"

lead busy
follow busy 2
exits 1 "a busy key stays" sfshm-ctl forget -s "$segment" busy
like "$(<"$TMP/err")" \
	"^sfshm-ctl: busy: busy: led by process $leader, thread $leader \(alive\), awaited by 2; " \
	"the message says who leads"
is "$(keys)" "busy other" "nothing was changed"

exits 2 "an empty key" sfshm-ctl forget -s "$segment" ""
exits 2 "a key that is too long" \
	sfshm-ctl forget -s "$segment" "$(printf 'k%.0s' {1..1025})"
like "$(<"$TMP/err")" '1 to 1024 bytes, this one has 1025' "and how long"
exits 1 "a segment that is not there" \
	sfshm-ctl forget -s "$segment-missing" report
is "$(wc -l <"$TMP/err")" 1 "one line"

done_testing
