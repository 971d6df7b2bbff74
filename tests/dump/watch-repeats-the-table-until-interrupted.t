#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment watch
publish first

pictures()
{
	[ "$(grep -c "^segment " "$TMP/$1")" -ge "$2" ]
}

# ends STATUS SIGNAL PID WHAT
ends()
{
	kill "-$2" "$3"
	wait "$3"
	is $? "$1" "$4"
}

spawn sfshm-dump -s "$segment" --watch 0.05 >"$TMP/often" 2>"$TMP/err"
often=$!
wait_until pictures often 3
is $? 0 "picture follows picture"
publish second
wait_until grep -q '^second ' "$TMP/often"
is $? 0 "with what has changed"
ends 0 INT "$often" "SIGINT ends it cleanly"
is "$(wc -c <"$TMP/err")" 0 "and silently"
like "$(tail -n 1 "$TMP/often")" "^nobody " "the last picture is whole"
is "$(grep -B 1 "^segment " "$TMP/often" | sed -n 3p)" "" \
	"an empty line stands between pictures"
is "$(grep -c $'\e' "$TMP/often")" 0 "no terminal codes in a file"

spawn sfshm-dump -s "$segment" --watch >"$TMP/second" 2>"$TMP/err"
second=$!
wait_until pictures second 2
is $? 0 "each second unless said"
ends 0 TERM "$second" "SIGTERM ends it too"

spawn sfshm-dump -s "$segment" --json --watch=0.05 >"$TMP/json" 2>"$TMP/err"
json=$!
documents()
{
	[ "$(grep -c '"counters"' "$TMP/json")" -ge 3 ]
}
wait_until documents
ends 0 INT "$json" "JSON is watched as well"
is "$(python3 -c '
import json, sys
text = open(sys.argv[1]).read()
print(len({tuple(json.loads(part)) for part in text.splitlines()}))
' "$TMP/json")" 1 "each picture is a document, in one line"

spawn sfshm-dump --watch 0.05 >"$TMP/list" 2>"$TMP/err"
list=$!
lists()
{
	[ "$(grep -c "^$segment " "$TMP/list")" -ge 2 ]
}
wait_until lists
is $? 0 "the list is watched as well"
kill -INT "$list"
wait "$list"

exits 1 "a segment that is not there is not waited for" \
	timeout 120 sfshm-dump -s "$segment-missing" --watch

if ! command -v script >"$TMP/out"; then
	skip "no script(1)" "a terminal is redrawn"
	skip "no script(1)" "on the alternate screen"
	skip "no script(1)" "tables are cut"
	skip "no script(1)" "so that a picture fits"
else
	for i in {1..30}; do
		publish "key-$i"
	done
	script -qec "stty rows 40 cols 150; exec timeout -s INT 5 \
		sfshm-dump -s $segment --watch 0.1" "$TMP/typescript" \
		</dev/null >"$TMP/out" 2>&1
	like "$(<"$TMP/typescript")" $'\e\\[H\e\\[2J' "a terminal is redrawn"
	like "$(<"$TMP/typescript")" $'\e\\[\\?1049h.*\e\\[\\?1049l' \
		"on the alternate screen, which is left at the end"
	like "$(<"$TMP/typescript")" 'and [0-9]+ more than the screen' \
		"tables are cut"
	# But the last, behind which script(1) writes a line of its own.
	like "$(awk 'BEGIN { RS = "\033\\[H" } lines > most { most = lines }
		{ lines = split($0, line, "\n") } END { print most }' \
		"$TMP/typescript")" '^(39|40)$' "so that a picture fits"
fi

done_testing
