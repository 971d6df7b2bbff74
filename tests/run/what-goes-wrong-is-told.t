#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What keeps a call from doing what it was asked for is told, with what to do.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

told()
{
	like "$(cat "$TMP/err")" "^sfshm-run: $1" "... is told"
}

script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

# A directory of the same name is what another mount namespace shows.
mkdir "$TMP/files"
exits 0 "a file" run -k file --file --dir "$TMP/files" --ttl 1h -- echo text
is "$(cat "$TMP/err")" "" "... is nothing to tell of"
exits 0 "... and one for a later call" \
	run -k file --file --dir "$TMP/files" --refresh --ttl 1h -- echo text
is "$(cat "$TMP/err")" "" "... nor that"
mv "$TMP/files" "$TMP/old"
mkdir "$TMP/files"
exits 0 "a file that this call does not see" \
	run -k file --file --dir "$TMP/files" --ttl 1h -- echo text
told "key file: the last caller's $TMP/files is another directory, as with Pri"
rm -r "$TMP/files"
mv "$TMP/old" "$TMP/files"
exits 0 "... with -q" \
	run -k file -q --file --dir "$TMP/files" --refresh --ttl 1h -- echo text
is "$(cat "$TMP/err")" "" "... is not told"

exits 0 "a semaphore of two" run --semaphore s:2 -- true
exits 0 "an unused one takes another number" run --semaphore s:3 -- \
	sfshm-run -s "$segment" --semaphore s -- \
	sfshm-run -s "$segment" --semaphore s -n -- true
is "$(cat "$TMP/err")" "" "... with nothing to tell"
spawn_run --semaphore s -- "$TMP/stay"
holder=$!
logged stay
exits 0 "one that is in use does not" run --semaphore s:9 -n -- true
told "semaphore s: others use it with 3 permits, so it has those, not 9; "
touch "$TMP/go"
ends 0 "... and goes on" $holder

segment few
ok "a segment for one" sfshm-ctl create -s "$segment" --participants 1
rm "$TMP/go"
: >"$TMP/log"
spawn_run --lock a -- "$TMP/stay"
holder=$!
logged stay
for what in "--lock b" "-k b" "--semaphore b"; do
	# shellcheck disable=SC2086
	exits 125 "$what: one too many" run $what -- true
	told ".*: all participants of the segment are taken; .*--participants"
done
touch "$TMP/go"
ends 0 "... does not disturb the other" $holder

exits 125 "a missing directory" sfshm-run -s "$TMP/no/seg" --lock a -- true
told "segment $TMP/no/seg: there is no directory $TMP/no; make it, or choose"
exits 125 "a limit on the size of files" \
	bash -c "ulimit -f 8; exec sfshm-run -s $TMP/seg --lock a -- true"
told "segment .*: the limit on the size of files is too low .*; raise it with"
# The kernel counts in blocks of 1 KiB.
segment limit
exits 0 "a segment" run --lock a -- true
exits 125 "... and output past the limit" \
	bash -c "ulimit -f 8; exec sfshm-run -s $segment -k out -- \
		head -c 100000 /dev/zero >$TMP/full"
told "standard output cannot be written: File too large"
exits 153 "... but the command has the kernel's signal" \
	bash -c "ulimit -f 8; exec sfshm-run -s $segment --lock out -- \
		head -c 100000 /dev/zero >$TMP/full"

printf '#!/no/such/shell -e\n' >"$TMP/scripted"
printf '#! /bin/bash\r\n' >"$TMP/dos"
chmod +x "$TMP/scripted" "$TMP/dos"
exits 126 "a script without its interpreter" run -k a -- "$TMP/scripted"
told "cannot execute $TMP/scripted: its interpreter /no/such/shell is missing; "
exits 126 "... found by its name" \
	env PATH="/no:$TMP:$PATH" sfshm-run -s "$segment" -k a -- scripted
told "cannot execute scripted: its interpreter /no/such/shell is missing; "
exits 126 "a script with a carriage return" run -k a -- "$TMP/dos"
told 'cannot execute .*/dos: its interpreter /bin/bash\\x0d is missing; '
exits 127 "a program that is not there" run -k a -- "$TMP/none"
told "cannot execute $TMP/none: No such file or directory"

# shellcheck disable=SC2016
script listen <<'END'
trap 'echo usr1 >>"$TMP/log"' USR1
trap 'echo usr2 >>"$TMP/log"; exit 4' USR2
echo ready >>"$TMP/log"
while :; do sleep 0.02; done
END
for what in "--lock l" "-k l"; do
	: >"$TMP/log"
	# shellcheck disable=SC2086
	spawn_run $what -- "$TMP/listen"
	holder=$!
	logged ready
	kill -USR1 $holder
	ok "$what: SIGUSR1 reaches the command" logged usr1
	kill -USR2 $holder
	ok "... and SIGUSR2" logged usr2
	ends 4 "... whose status counts" $holder
done
spawn_run -k l -- sleep 1000
holder=$!
ok "a command that no trap protects" wait_until pgrep -P "$(
	until pgrep -P $holder; do sleep 0.02; done
)"
kill -USR1 $holder
ends 138 "... is killed by the signal, and so is its call" $holder
done_testing
