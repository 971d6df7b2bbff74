#!/bin/bash
# SPDX-License-Identifier: MIT
#
# For cron: a call that gives up because of others says nothing with -q, and
# exits with the status of -E. Failures of sfshm-run itself stay what they are.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

pids=()
for what in "--lock key" "--semaphore key:1" "-k key" "-k file --file --dir $TMP"; do
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn_run $what -- "$TMP/stay"
	pids+=($!)
	logged stay
	# shellcheck disable=SC2086
	{
		exits 124 "$what: -n -q" run $what -n -q -- true
		is "$(cat "$TMP/out" "$TMP/err")" "" "... is quiet"
		exits 0 "$what: -n -q -E 0" run $what -n -q -E 0 -- false
		exits 7 "$what: -E 7" run $what -n -E 7 -- false
		like "$(cat "$TMP/err")" "^sfshm-run: .* key|file: " \
			"... is told without -q"
		exits 8 "$what: -E 8 --timeout" \
			run $what -E 8 -q --timeout 50ms -- false
		is "$(cat "$TMP/out" "$TMP/err")" "" "... is quiet, too"
	}
done
touch "$TMP/go"
ends 0 "the others go on" "${pids[@]}"

exits 124 "a command's own time-out" \
	run -k slow -q -E 0 --timeout 100ms -- sleep 1000
like "$(cat "$TMP/err")" "key slow: --timeout ended the command" "... is told"
exits 125 "an own failure" sfshm-run -q -E 0 -s "$TMP/no/such" --lock a -- true
like "$(cat "$TMP/err")" "segment $TMP/no/such: " "... is told"
exits 125 "a status that is none" run --lock a -E 256 -- true
done_testing
