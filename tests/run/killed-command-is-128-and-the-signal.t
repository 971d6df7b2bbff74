#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

for signal in KILL TERM SEGV USR1 PIPE; do
	number=$(kill -l $signal)
	# shellcheck disable=SC2016
	exits $((128 + number)) "a command killed by $signal" \
		run -k "$signal" --neg-ttl 1h --json-status 3 -- \
		bash -c 'ulimit -c 0; echo text; kill -'$signal' $$' \
		3>"$TMP/json"
	like "$(cat "$TMP/json")" \
		"\"exit\":$((128 + number)),\"signal\":$number," \
		"... is reported"
	exits $((128 + number)) "... to those who share it" \
		run -k "$signal" --json-status 3 -- true 3>"$TMP/json"
	is "$(cat "$TMP/out")" text "... with its output"
	like "$(cat "$TMP/json")" \
		"\"exit\":$((128 + number)),\"signal\":$number," \
		"... is reported there, too"
done
exits 255 "the highest status" run -k high -- sh -c 'exit 255'
exits 143 "a status that looks like a signal's" \
	run -k odd --json-status 3 -- sh -c 'exit 143' 3>"$TMP/json"
like "$(cat "$TMP/json")" '"exit":143,"signal":null' "... is a status"
done_testing
