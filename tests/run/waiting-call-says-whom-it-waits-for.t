#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A call that waits says after a second whom it waits for, with -v or on a
# terminal (terminals-work-as-under-flock.t).
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

said()
{
	grep -q "$1" "$TMP/said"
}

for what in "--lock key" "-k key" "-k key --file --dir $TMP"; do
	rm -f "$TMP/go"
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn_run $what -- "$TMP/stay" "1 2"
	holder=$!
	logged stay
	# shellcheck disable=SC2086
	spawn_run $what -v -- true 2>"$TMP/said"
	waits=$!
	# shellcheck disable=SC2086
	spawn_run $what -- true 2>"$TMP/silent"
	silent=$!
	# shellcheck disable=SC2086
	spawn_run $what -v -q -- true 2>"$TMP/quiet"
	quiet=$!
	name=${what#--} name=${name/-k/key} name=${name% --file*}
	ok "$what: says it" wait_until said "^sfshm-run: $name: waiting for\
 process $holder ($TMP/stay 1 2), at it for [0-9]* s$" ||
		diag "$(cat "$TMP/said")"
	touch "$TMP/go"
	ends 0 "... and waits on" $holder $waits $silent $quiet
	is "$(wc -l <"$TMP/said")" 1 "... and says it once"
	is "$(cat "$TMP/silent" "$TMP/quiet")" "" "... and only with -v, without -q"
done

for what in "--semaphore key:2" "--lock key --shared"; do
	rm -f "$TMP/go"
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn_run $what -- "$TMP/stay" one
	first=$!
	logged stay
	# shellcheck disable=SC2086
	spawn_run $what -- "$TMP/stay" two
	second=$!
	logged stay 2
	alone=${what% --shared} alone=${alone%:2}
	# shellcheck disable=SC2086
	spawn_run $alone -v -- true 2>"$TMP/said"
	waits=$!
	ok "$what: says it" \
		wait_until said "^sfshm-run: ${alone#--}: waiting for process"
	for pid in $first $second; do
		like "$(cat "$TMP/said")" "process $pid \($TMP/stay (one|two)\)" \
			"... and names a holder"
	done
	touch "$TMP/go"
	ends 0 "... and waits on" $first $second $waits
done
done_testing
