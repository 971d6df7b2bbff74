#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

callers=64
head -c 100000 /dev/urandom >"$TMP/bytes"
printf '\0a\0\n\0' >>"$TMP/bytes"
printf 'e\0\377\n\0' >"$TMP/errors"
script work <<'END'
echo run >>"$TMP/log"
cat "$TMP/bytes"
cat "$TMP/errors" >&2
until [ -e "$TMP/go" ]; do sleep 0.02; done
exit 7
END

pids=()
for ((i = 0; i < callers; i++)); do
	spawn_run -k herd -- "$TMP/work" >"$TMP/out.$i" 2>"$TMP/err.$i"
	pids+=($!)
done
waiters herd $((callers - 1))
touch "$TMP/go"
ends 7 "all have the command's status" "${pids[@]}"
is "$(wc -l <"$TMP/log")" 1 "the command ran once"
same=0
for ((i = 0; i < callers; i++)); do
	cmp -s "$TMP/bytes" "$TMP/out.$i" && cmp -s "$TMP/errors" \
		"$TMP/err.$i" && same=$((same + 1))
done
is "$same" "$callers" "all have its output, byte for byte"

exits 7 "the next caller" run -k herd -- "$TMP/work"
is "$(wc -l <"$TMP/log")" 2 "... runs it again"

exits 0 "no output at all" run -k nothing --ttl 1h -- true
exits 0 "... is a result" run -k nothing -- false
is "$(cat "$TMP/out" "$TMP/err" | wc -c)" 0 "... of no bytes"

long=$(printf '%1024s' '' | tr ' ' k)
exits 0 "a key of 1024 bytes" run -k "$long" --ttl 1h -- echo long
exits 0 "... is one" run -k "$long" -- false
is "$(cat "$TMP/out")" long "... that is found again"
done_testing
