#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-S4: with --file a run's output is bounded by the disk alone; followers
# get it from the file, and so do later callers.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
ok "a segment of small values" \
	sfshm-ctl create -s "$segment" --max-value 4K --bytes 64K
mkdir "$TMP/files"

head -c 20000000 /dev/urandom >"$TMP/large"
head -c 300000 /dev/urandom >"$TMP/errors"
script work <<'END'
echo run >>"$TMP/log"
head -c 1000000 "$TMP/large"
cat "$TMP/errors" >&2
until [ -e "$TMP/go" ]; do sleep 0.02; done
tail -c +1000001 "$TMP/large"
exit 3
END

spawn_run -k big --file --dir "$TMP/files" --neg-ttl 1h -- "$TMP/work" \
	>"$TMP/out.0" 2>"$TMP/err.0"
pids=($!)
logged run
for i in 1 2 3; do
	spawn_run -k big --file --dir "$TMP/files" -- "$TMP/work" \
		>"$TMP/out.$i" 2>"$TMP/err.$i"
	pids+=($!)
done
waiters big 3
is "$(find "$TMP/files" -name '*.run' | wc -l)" 0 \
	"there is no file before the run is over"
touch "$TMP/go"
ends 3 "leader and followers have the command's status" "${pids[@]}"
for i in 0 1 2 3; do
	ok "... and all of the output ($i)" cmp "$TMP/large" "$TMP/out.$i"
	ok "... and of the errors ($i)" cmp "$TMP/errors" "$TMP/err.$i"
done
is "$(wc -l <"$TMP/log")" 1 "... of one run"
exits 3 "so has who comes later" run -k big --file --dir "$TMP/files" -- true
ok "... the output" cmp "$TMP/large" "$TMP/out"
is "$(wc -l <"$TMP/log")" 1 "... without a run"
is "$(find "$TMP/files" -type f | wc -l)" 1 "there is one file, and no other"

rm "$TMP/files"/*
exits 3 "a file that was removed is made anew" \
	run -k big --file --dir "$TMP/files" -- "$TMP/work"
is "$(wc -l <"$TMP/log")" 2 "... by another run"
exits 3 "without a lifetime" run -k big --file --dir "$TMP/files" -- "$TMP/work"
is "$(wc -l <"$TMP/log")" 3 "... it serves nobody later"
is "$(find "$TMP/files" -type f | wc -l)" 1 "... and is replaced"

# Reads one byte, and then nothing for a while.
slow_reader()
{
	read -r -n 1
	echo reads >>"$TMP/log"
	until [ -e "$TMP/done" ]; do sleep 0.02; done
	echo leaves >>"$TMP/log"
}
spawn_run -k slow --file --dir "$TMP/files" -- cat "$TMP/large" \
	> >(LC_ALL=C slow_reader 2>/dev/null)
logged reads
exits 0 "a slow reader holds nobody up" \
	run -k slow --file --dir "$TMP/files" -- cat "$TMP/large"
touch "$TMP/done"
logged leaves
done_testing
