#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
ok "a segment of small values" \
	sfshm-ctl create -s "$segment" --max-value 64K --bytes 1M

head -c 65504 /dev/urandom >"$TMP/fits"
head -c 3000000 /dev/urandom >"$TMP/large"
script work <<'END'
echo run >>"$TMP/log"
cat "$1"
cat "$TMP/err.wanted" >&2
[ -z "${2-}" ] || until [ -e "$TMP/go" ]; do sleep 0.02; done
exit 3
END
: >"$TMP/err.wanted"

exits 3 "the largest that fits" run -k fits --neg-ttl 1h -- "$TMP/work" \
	"$TMP/fits"
exits 3 "... is shared" run -k fits -- true
ok "... whole" cmp "$TMP/fits" "$TMP/out"

echo error >"$TMP/err.wanted"
: >"$TMP/log"
spawn_run -k big --json-status 3 -- "$TMP/work" "$TMP/large" wait \
	>"$TMP/leader.out" 2>"$TMP/leader.err" 3>"$TMP/leader.json"
leader=$!
logged run
pids=()
for i in 1 2 3; do
	spawn_run -k big --json-status 3 -- true >"$TMP/out.$i" \
		2>"$TMP/err.$i" 3>"$TMP/json.$i"
	pids+=($!)
done
waiters big 3
touch "$TMP/go"
ends 3 "the leader has the command's status" $leader
ok "... and all of the output" cmp "$TMP/large" "$TMP/leader.out"
message="sfshm-run: output of big is larger than the segment's largest value\
 (65536 bytes); resize the segment with a larger --max-value"
is "$(cat "$TMP/leader.err")" "error
$message" "... and of the errors, and is told"
like "$(cat "$TMP/leader.json")" '"shared":false.*"error":"output of big' \
	"... and knows that it was not shared"
ends 125 "the followers fail" "${pids[@]}"
is "$(cat "$TMP"/out.* | wc -c)" 0 "... without output"
is "$(sort -u "$TMP"/err.[1-3])" "$message" "... and know why"
like "$(cat "$TMP/json.1")" '"exit":125,.*"error":"output of big' \
	"... in JSON, too"
is "$(wc -l <"$TMP/log")" 1 "... of one run"

exits 3 "with a lifetime for failures" \
	run -k kept --neg-ttl 1h -- "$TMP/work" "$TMP/large"
exits 125 "... the next caller fails as well" run -k kept -- true
is "$(wc -l <"$TMP/log")" 2 "... without a run"

exits 0 "a success" run -k good --ttl 1h -- cat "$TMP/large"
exits 0 "... too large for its lifetime" run -k good --ttl 1h -- echo small
is "$(cat "$TMP/out")" small "... is run again"
done_testing
