#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --fd: a part of a script holds a lock or a permit, as with flock(1) and a
# number.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
export segment

free()
{
	run "$@" -n -q -- true
}

script part <<'END'
(
	sfshm-run -s "$segment" "$@" --fd 9 || exit
	echo "in $BASHPID" >>"$TMP/log"
	until [ -e "$TMP/go" ]; do sleep 0.02; done
	exit 5
) 9<<<""
END

for what in "--lock key" "--semaphore key:1"; do
	rm -f "$TMP/go"
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn "$TMP/part" $what
	script=$!
	logged in
	# shellcheck disable=SC2086
	{
		exits 124 "$what: held while the descriptor is open" \
			run $what -n -- true
		exits 124 "... for other scripts, too" "$TMP/part" $what -n -v
		like "$(cat "$TMP/err")" "key: held by others; leave out -n" \
			"... which are told"
		exits 7 "... or have another status" \
			"$TMP/part" $what --timeout 50ms -q -E 7
		touch "$TMP/go"
		ends 5 "... the script goes on" $script
		ok "... and then it is free" wait_until free $what
	}

	rm "$TMP/go"
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn "$TMP/part" $what
	script=$!
	logged in
	kill -KILL "$(sed -n 's/^in //p' "$TMP/log")"
	# Its sleep has the descriptor, too.
	# shellcheck disable=SC2086
	ok "$what: free when the part is killed" wait_until free $what
	wait $script 2>/dev/null
done

echo 0 >"$TMP/n"
script count <<'END'
for _ in 1 2 3 4 5; do
	(
		sfshm-run -s "$segment" --lock count --fd 9 || exit
		n=$(cat "$TMP/n")
		echo $((n + 1)) >"$TMP/n"
	) 9>>"$TMP/lockfile"
done
END
pids=()
for _ in 1 2 3 4; do
	spawn "$TMP/count"
	pids+=($!)
done
ends 0 "many at once" "${pids[@]}"
is "$(cat "$TMP/n")" 20 "... come one after the other"

exec 9<<<""
is "$(run --lock a --fd 9 --json-status 1)" \
	'{"source":"computed","leader":true,"shared":false,"generation":2,"age_ms":0,"exit":0,"signal":null,"owner_died":false,"error":null,"stale":false}' \
	"the caller's output is closed while the lock is held"
exits 124 "... which it is" run --lock a -n -- true
exits 0 "a descriptor serves several locks" run --lock b --fd 9
exits 124 "... and so it does" run --lock b -n -- true
flock --no-fork "$TMP/taken" sleep 1000 9<&- &
taken=$!
taken_now()
{
	! flock -n "$TMP/taken" true
}
ok "a file that others lock" wait_until taken_now
exits 125 "... does not serve" run --lock c --fd 8 8<"$TMP/taken"
like "$(cat "$TMP/err")" "^sfshm-run: --fd 8: another open descriptor has" \
	"... and is told"
ok "... and the lock stays free" free --lock c
kill $taken
wait $taken 2>/dev/null
sleep 1000 9<&9 &
child=$!
exec 9<&-
exits 124 "a child that has the descriptor keeps the lock" \
	run --lock a -n -- true
kill $child
wait $child 2>/dev/null
ok "... until it ends" wait_until free --lock a
ok "... and the other lock" wait_until free --lock b

exec 8<<<"" 9<<<""
exits 0 "a lock that is shared" run --lock s --shared --fd 8
exits 0 "... by two descriptors" run --lock s --shared --fd 9
exec 8<&-
exits 124 "... is held until both" run --lock s -n -- true
exec 9<&-
ok "... are closed" wait_until free --lock s

# shellcheck disable=SC2016 # bash -c expands it
for open in '9<"$0"' '9>>"$TMP/file"' '9<>"$TMP/file"' '9</' '9< <(:)' \
	'9> >(cat)'; do
	# shellcheck disable=SC2016
	ok "$open" bash -c 'eval "exec $1"; ulimit -c 0
		sfshm-run -s "$segment" --lock kinds --fd 9 &&
		! sfshm-run -s "$segment" --lock kinds -n -q -- true' \
		"$TMP/part" "$open"
	ok "... is closed" wait_until free --lock kinds
done
exits 125 "a closed descriptor" run --lock a --fd 9
like "$(cat "$TMP/err")" "^sfshm-run: --fd 9: Bad file descriptor; open it" \
	"... is told"
exec 9<<<""
exits 125 "a command beside it" run --lock a --fd 9 -- true
exits 125 "a key" run -k a --fd 9
done_testing
