#!/bin/bash
# SPDX-License-Identifier: MIT
#
# If a command asks, through sfshm-run, for what a call above it has, it would
# wait for itself; and A's command may ask for B while B's asks for A. One call
# of the circle fails, with a line that says so.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
export segment

# shellcheck disable=SC2016 # the command's shell expands it
again='sfshm-run -s $segment'
own="^sfshm-run: WHAT: this command runs under process [0-9]+, which has it already"

for what in "--lock a" "-k a" "--semaphore a:1" "-k a --file --dir $TMP"; do
	# shellcheck disable=SC2086
	exits 125 "$what: the same once more" \
		run $what -- sh -c "$again $what -- true"
	name=${what#--} name=${name/-k/key} name=${name%:1} name=${name% --file*}
	like "$(cat "$TMP/err")" "${own/WHAT/$name}" "... is told of"
	# shellcheck disable=SC2086
	exits 124 "... and with -n, that it is taken" \
		run $what -- sh -c "$again $what -n -- true"
done
exits 125 "with another call in between" run --lock a -- \
	sh -c "$again -k b -- $again --lock a -- true"
exits 0 "other keys" run --lock a -- sh -c "$again --lock b -- true &&
	$again -k a -- true && $again --semaphore a:1 -- true"
exits 0 "a second permit" run --semaphore two:2 -- \
	sh -c "$again --semaphore two -- true"
exits 125 "a third one of two" run --semaphore two:2 -- \
	sh -c "$again --semaphore two -- $again --semaphore two -- true"
exits 0 "a lock that is shared, once more" run --lock a --shared -- \
	sh -c "$again --lock a --shared -- true"
exits 125 "... and then alone" run --lock a --shared -- \
	sh -c "$again --lock a -- true"
like "$(cat "$TMP/err")" "${own/WHAT/lock a}" "... is told of"

# What a call that is over has handed down counts for nothing.
# shellcheck disable=SC2016
exits 0 "a call" run --lock old -- sh -c 'echo "$SFSHM_RUN_HELD" >$TMP/held'
script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END
spawn_run --lock old -- "$TMP/stay"
holder=$!
logged stay
exits 124 "a later call that inherits from it waits" \
	env SFSHM_RUN_HELD="$(cat "$TMP/held")" \
	sfshm-run -s "$segment" --lock old --timeout 300ms -- true
exits 124 "a variable of nonsense" env SFSHM_RUN_HELD=what:1:2,ff \
	sfshm-run -s "$segment" --lock old --timeout 50ms -- true

# A wait under another call is no circle by itself.
spawn_run --lock outer -- sfshm-run -s "$segment" --lock old -- true
waiting=$!
nested()
{
	sfshm-dump -s "$segment" --json --key old | grep -q '"waiters": 1'
}
ok "a call under another one waits" wait_until nested
touch "$TMP/go"
ends 0 "... and gets the lock" $holder $waiting

# meet N NAME: ends when N parties have come
script meet <<'END'
touch "$TMP/here.$2"
until [ "$(ls "$TMP"/here.* | wc -l)" -ge "$1" ]; do sleep 0.02; done
END

# circle DESCRIPTION FIRST SECOND...: each party has one and asks for the next,
# which it does not share
circle()
{
	local what=$1 n i
	local -a have pids=()

	shift
	have=("$@")
	n=$#
	rm -f "$TMP"/here.* "$TMP"/party.*
	for ((i = 0; i < n; i++)); do
		# shellcheck disable=SC2086
		spawn_run ${have[i]} -- sh -c "$TMP/meet $n $i; $again \
			${have[(i + 1) % n]% --shared} -- echo got" \
			>"$TMP/party.$i" 2>"$TMP/party.err.$i"
		pids+=($!)
	done
	for ((i = 0; i < n; i++)); do
		wait "${pids[i]}"
		echo "status $?" >>"$TMP/party.$i"
	done
	is "$(cat "$TMP"/party.[0-9] | sort | uniq -c | xargs)" \
		"$((n - 1)) got $((n - 1)) status 0 1 status 125" \
		"$what: one gives up, the others go on"
	like "$(cat "$TMP"/party.err.*)" \
		"^sfshm-run: .*: its holder waits for a call that this" \
		"... and is told"
	is "$(cat "$TMP"/party.err.* | wc -l)" 1 "... in one line"
}
circle "two locks" "--lock A" "--lock B"
circle "three locks" "--lock A" "--lock B" "--lock C"
circle "two locks that are shared" "--lock A --shared" "--lock B --shared"
circle "a lock and a permit" "--lock A" "--semaphore S:1"
done_testing
