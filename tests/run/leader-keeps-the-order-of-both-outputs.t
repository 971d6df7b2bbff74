#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A leader whose standard output and standard error are one file writes there
# in the command's order. The followers still get the two apart.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# Fewer writes than a pipe holds (docs/limits.md).
script talk <<'END'
for ((i = 0; i < 200; i++)); do
	echo "out $i"
	echo "err $i" >&2
done
END
"$TMP/talk" >"$TMP/want" 2>&1
"$TMP/talk" >"$TMP/want.out" 2>"$TMP/want.err"

for how in "" "--file --dir $TMP" "--stale-if-error 1h"; do
	# shellcheck disable=SC2086
	run -k file $how --ttl 1h --refresh -- "$TMP/talk" >"$TMP/got" 2>&1
	ok "a file${how:+, $how}" cmp "$TMP/want" "$TMP/got"
	# shellcheck disable=SC2086
	exits 0 "... to those who share it" run -k file $how -- false
	ok "... its output" cmp "$TMP/want.out" "$TMP/out"
	ok "... its errors" cmp "$TMP/want.err" "$TMP/err"
	run -k file --refresh --ttl 1ms -- true
done
run -k pipe -- "$TMP/talk" 2>&1 | cat >"$TMP/got"
ok "a pipe" cmp "$TMP/want" "$TMP/got"
run -k slow -- "$TMP/talk" 2>&1 |
	while IFS= read -r line; do echo "$line"; done >"$TMP/got"
ok "a slow reader" cmp "$TMP/want" "$TMP/got"
ok "a segment of small values" \
	sfshm-ctl resize -s "$segment" --max-value 4K --bytes 1M
run -k large -q -- "$TMP/talk" >"$TMP/got" 2>&1
ok "output that is not shared" cmp "$TMP/want" "$TMP/got"

# The command has ended, and its writes are still in the pipes: more than the
# leader reads at a time, and not by turns.
script late <<END
echo \$\$ >"$TMP/late-pid"
until [ -e "$TMP/go" ]; do sleep 0.01; done
for ((i = 0; i < 70; i++)); do
	echo "out \$i a"
	echo "out \$i b"
	echo "out \$i c"
	echo "err \$i" >&2
done
END
for ((i = 0; i < 70; i++)); do
	printf 'out %d a\nout %d b\nout %d c\nerr %d\n' $i $i $i $i
done >"$TMP/want"
spawn sfshm-run -s "$segment" -k late -- "$TMP/late" >"$TMP/got" 2>&1
leader=$!
wait_until test -s "$TMP/late-pid"
kill -STOP "$leader"
touch "$TMP/go"
ok "the command ends" wait_until gone "$(cat "$TMP/late-pid")"
kill -CONT "$leader"
wait "$leader"
ok "a leader that reads after the command's end" cmp "$TMP/want" "$TMP/got"

# Writes that are one packet, several, and as long as one.
script blocks <<'END'
for size in 1 4095 4096 4097 8192 100000 3; do
	head -c $size /dev/zero | tr '\0' o
	echo e >&2
	dd bs=$size count=1 if=/dev/zero status=none
done
head -c 3000000 /dev/zero | tr '\0' l
END
"$TMP/blocks" >"$TMP/want" 2>/dev/null
run -k blocks -q -- "$TMP/blocks" 2>&1 | tr -d e | tr -d '\n' >"$TMP/got"
ok "all bytes of long writes come" cmp "$TMP/want" "$TMP/got"
exits 141 "a reader that goes away" bash -c \
	"sfshm-run -s $segment -k gone -q -- yes 2>&1 | head -n 1; \
		exit \${PIPESTATUS[0]}"
is "$(run -k masks -- sh -c 'grep SigBlk /proc/self/status' 2>&1)" \
	"$(grep SigBlk /proc/self/status)" "the command has its caller's signal mask"
done_testing
