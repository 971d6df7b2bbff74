#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# json FILE EXPRESSION: of Python; d is the one document in the file
json()
{
	python3 -c '
import json, sys
text = open(sys.argv[1], encoding="ascii").read()
assert text.endswith("\n") and text.count("\n") == 1, text
d = json.loads(text)
print(eval(sys.argv[2]))
' "$1" "$2" 2>&1
}

brief="d['source'], d['leader'], d['shared'], d['exit'], d['signal'], \
d['owner_died'], d['error']"

script work <<'END'
echo start >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

exits 4 "a run" run -k a --neg-ttl 1h --json-status 3 -- sh -c 'exit 4' \
	3>"$TMP/json"
is "$(json "$TMP/json" "$brief")" \
	"('computed', True, False, 4, None, False, None)" "... is told"
is "$(json "$TMP/json" "','.join(d)")" \
	"source,leader,shared,generation,age_ms,exit,signal,owner_died,error,stale" \
	"... with all fields"
first=$(json "$TMP/json" "d['generation']")
exits 4 "a hit" run -k a --json-status 3 -- true 3>"$TMP/json"
is "$(json "$TMP/json" "d['source'], d['leader'], d['exit'], d['error']")" \
	"('cached', False, 4, None)" "... is told"
is "$(json "$TMP/json" "d['generation']")" "$first" \
	"... with its run's generation"
aged()
{
	run -k a --json-status 3 -- true 3>"$TMP/json"
	[ "$(json "$TMP/json" "d['age_ms']")" -ge 50 ]
}
ok "... and its age" wait_until aged

spawn_run -k b --json-status 3 -- "$TMP/work" 3>"$TMP/leader"
leader=$!
logged start
spawn_run -k b --json-status 3 -- "$TMP/work" 3>"$TMP/follower"
follower=$!
waiters b 1
exits 124 "a time-out" \
	run -k b --timeout 50ms --json-status 3 -- true 3>"$TMP/json"
is "$(json "$TMP/json" "d['source'], d['exit'], bool(d['error'])")" \
	"(None, 124, True)" "... is told"
spawn_run -k b --json-status 3 -- true 3>"$TMP/ended"
ended=$!
waiters b 2
kill -TERM $ended
ends 143 "a signal" $ended
is "$(json "$TMP/ended" "d['source'], d['exit'], d['signal']")" \
	"(None, 143, 15)" "... is told"
touch "$TMP/go"
ends 0 "a leader and a follower" $leader $follower
is "$(json "$TMP/leader" "$brief")" \
	"('computed', True, True, 0, None, False, None)" "... the one"
is "$(json "$TMP/follower" "$brief")" \
	"('awaited', False, True, 0, None, False, None)" "... and the other"
is "$(json "$TMP/leader" "d['generation']")" \
	"$(json "$TMP/follower" "d['generation']")" "... of one run"

rm "$TMP/go"
: >"$TMP/log"
spawn_run -k c -- "$TMP/work"
leader=$!
logged start
spawn_run -k c --json-status 3 -- "$TMP/work" 3>"$TMP/json"
follower=$!
waiters c 1
kill -KILL $leader
logged start 2
touch "$TMP/go"
ends 0 "a take-over" $follower
is "$(json "$TMP/json" "$brief")" \
	"('computed', True, False, 0, None, True, None)" "... is told"

exits 125 "an error with odd characters" \
	sfshm-run -s "$TMP/\"no\\such"$'\t\377/x' -k d --json-status 3 -- \
	true 3>"$TMP/json"
like "$(json "$TMP/json" "d['error']")" '^segment .*/"no' \
	"... is JSON as well"

exits 2 "the descriptor" \
	run -k e --json-status 3 -- sh -c 'echo mine >&3' 3>"$TMP/json"
is "$(json "$TMP/json" "d['exit']")" 2 "... is not the command's"
exits 125 "one that takes nothing" \
	run -k f --json-status 3 -- true 3>/dev/full
like "$(cat "$TMP/err")" "^sfshm-run: --json-status 3: No space" \
	"... is told of"
done_testing
