#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

# A stand-in for du, which waits until the test lets it go.
mkdir "$TMP/bin"
mkfifo "$TMP/go"
cat >"$TMP/bin/du" <<END
#!/bin/bash
echo run >>"$TMP/runs"
read -r answer <"$TMP/go"
echo "\$answer"
END
chmod +x "$TMP/bin/du"
PATH=$TMP/bin:$PATH

segment
callers=()
for i in {1..8}; do
	spawn "$SFSHM_BUILD/examples/report" "$segment" >"$TMP/out.$i"
	callers+=($!)
done

waiters()
{
	sfshm-dump -s "$segment" --json | grep -q '"waiters": *7\b'
}

ok "7 callers wait for one" wait_until waiters
ok "the command answers" timeout 120 bash -c "echo '42M /usr' >'$TMP/go'"
status=0
for pid in "${callers[@]}"; do
	wait "$pid" || status=1
done
is "$status" 0 "all callers succeed"
is "$(sort -u "$TMP"/out.*)" "42M /usr" "all have the answer"
is "$(cat "$TMP"/out.* | wc -l)" 8 "each of them once"
is "$("$SFSHM_BUILD/examples/report" "$segment")" "42M /usr" \
	"a later one has it too"
is "$(wc -l <"$TMP/runs")" 1 "the command ran once"
done_testing
