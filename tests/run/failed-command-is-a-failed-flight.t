#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A command whose exit status is not 0, or that a signal kills, fails its
# flight: the dump and the counters tell of it, and the key's last good value
# stays. All callers get the command's output and status all the same.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# state KEY EXPRESSION: of the key in the dump; k is it
state()
{
	sfshm-dump -s "$segment" --json --key "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)
k = [s for s in d["slots"] if s["key"] == sys.argv[1]][0]
print(eval(sys.argv[2]))
' "$1" "$2" 2>&1
}

# same KEY STATUS: a later caller gets what the first one got
same()
{
	mv "$TMP/out" "$TMP/out.first"
	mv "$TMP/err" "$TMP/err.first"
	exits "$2" "... to those who share it" run -k "$1" -- true
	ok "... with its output" cmp "$TMP/out.first" "$TMP/out"
	ok "... and its errors" cmp "$TMP/err.first" "$TMP/err"
}

exits 3 "a failure that says why" run -k why --neg-ttl 1h -- \
	sh -c 'echo part; echo first >&2; echo "no such host" >&2; exit 3'
is "$(state why "k['phase']")" failed "... has failed"
is "$(state why "k['error']['code']")" 3 "... with its status as the code"
like "$(state why "k['error']['message']")" '^exit status 3, run [0-9]+: no such host$' \
	"... and its last line as the reason"
same why 3

exits 4 "a failure of one line" \
	run -k line --neg-ttl 1h -- sh -c 'echo "not today" >&2; exit 4'
is "$(state line "k['error']['message']")" "exit status 4: not today" "... has that line"
same line 4
exits 1 "a silent failure" run -k mute --neg-ttl 1h -- false
is "$(state mute "k['error']['message']")" "exit status 1" "... has its status"
same mute 1
exits 5 "a failure with a part of a line" \
	run -k part --neg-ttl 1h -- sh -c 'printf half >&2; exit 5'
same part 5
# shellcheck disable=SC2016
exits 137 "a killed command" \
	run -k gone --neg-ttl 1h -- sh -c 'echo a; kill -KILL $$'
like "$(state gone "k['error']['message']")" '^killed by signal 9, run [0-9]+$' \
	"... says so"
same gone 137
exits 6 "odd bytes" run -k odd --neg-ttl 1h -- \
	sh -c 'head -c 1000 /dev/urandom; printf "\0x\377\n\n" >&2; exit 6'
same odd 6
key=$(printf '%1024s' '' | tr ' ' k)
exits 7 "the longest key" run -k "$key" --neg-ttl 1h -- \
	sh -c 'echo out; exit 7'
same "$key" 7

exits 0 "a good value" run -k both --ttl 1ms -- echo good
exits 8 "... before a failure" run -k both -- sh -c 'echo bad; exit 8'
is "$(state both "k['value_bytes'] > 0")" \
	True "... stays"

exits 9 "a file's failure" run -k file --file --dir "$TMP" --neg-ttl 1h -- \
	sh -c 'echo out; echo err >&2; exit 9'
like "$(state file "k['error']['message']")" '^exit status 9, run [0-9]+: err$' \
	"... has failed"
mv "$TMP/out" "$TMP/out.first"
exits 9 "... for later callers" run -k file --file --dir "$TMP" -- true
ok "... with its output" cmp "$TMP/out.first" "$TMP/out"
is "$(find "$TMP" -name '*.run')" "" "... and no file"

segment full
ok "a segment with little room" \
	sfshm-ctl create -s "$segment" --bytes 64K --max-value 64K
exits 0 "... of which a semaphore takes some" run --semaphore s:1 -- true
exits 10 "a failure that there is no room to keep" \
	run -k big --neg-ttl 1h -- \
	sh -c 'head -c 65000 /dev/zero; echo last >&2; exit 10'
exits 10 "... has its status for later callers" run -k big -- true
like "$(cat "$TMP/err")" '^last
sfshm-run: key big: the rest of the failed command.s output was not kept' \
	"... and its last line, and they are told"
done_testing
