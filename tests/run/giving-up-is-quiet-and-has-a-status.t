#!/bin/bash
# SPDX-License-Identifier: MIT
#
# For cron: a call that does not wait says nothing, as with flock(1), unless
# there is -v; one whose time is over says nothing with -q. Both exit with the
# status of -E. Failures of sfshm-run itself stay what they are.
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
		exits 124 "$what: -n" run $what -n -- true
		is "$(cat "$TMP/out" "$TMP/err")" "" "... is quiet"
		exits 124 "$what: -n -v -q" run $what -n -v -q -- true
		is "$(cat "$TMP/out" "$TMP/err")" "" "... is, too"
		exits 0 "$what: -n -q -E 0" run $what -n -q -E 0 -- false
		exits 7 "$what: -E 7" run $what -n -v -E 7 -- false
		like "$(cat "$TMP/err")" "^sfshm-run: .* key|file: " \
			"... is told with -v"
		exits 124 "$what: --timeout" run $what --timeout 50ms -- false
		like "$(cat "$TMP/err")" "^sfshm-run: .*(held|no result)" \
			"... is told"
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
