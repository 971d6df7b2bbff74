#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

# shape: how many slots, participants and bytes, and the largest value
shape()
{
	snapshot
	json "$TMP/json" "[d['segment'][name] for name in
		'slots_max participants_max bytes max_value mode'.split()]"
}

# cached KEY: prints the value if one is there, else "none"
cached()
{
	sfshm-run -s "$segment" -k "$1" -- echo none
}

segment resized
sfshm-ctl create -s "$segment" --slots 100 --participants 20 --bytes 64K \
	--max-value 32K --mode 0640 >"$TMP/out"
for key in 1 2 3 4 5 6 7 8 9 10; do
	publish "$key" "the value of $key"
done

exits 0 "it resizes" sfshm-ctl resize -s "$segment" --slots 5000 --bytes 2M
is "$(<"$TMP/out")" "resized $(path)" "and says which"
is "$(<"$TMP/err")" "" "no progress is shown where there is no terminal"
is "$(shape)" "[5000, 20, 2097152, 32768, '0640']" \
	"sizes that are not given stay, and so does the mode"
is "$(ls "$(path)"*)" "$(path)" "one file is left"
for key in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(cached "$key")" = "the value of $key" ] || break
done
is "$key" 10 "every value is there"
ok "and all is sound" sfshm-ctl verify -s "$segment"

# Somebody who follows a flight when it happens, and a leader who ends it.
mkfifo "$TMP/go"
exec 3<>"$TMP/go"
spawn sfshm-run -s "$segment" -k slow -- sh -c "read x <'$TMP/go'; echo done"
first=$!
ok "a flight is on" wait_until seen "slots['slow']['phase'] == 'busy'"
spawn sfshm-run -s "$segment" -k slow -- echo twice >"$TMP/second"
second=$!
ok "and followed" wait_until seen "slots['slow']['waiters'] == 1"
spawn sfshm-ctl resize -s "$segment" --participants 40 >"$TMP/out" 2>&1
resize=$!
ok "it is replaced" wait_until seen "d['segment']['participants_max'] == 40"
spawn sfshm-run -s "$segment" -k slow -- echo thrice >"$TMP/third"
third=$!
segment=$(path)~
ok "who comes late waits in the old one" \
	wait_until seen "slots['slow']['waiters'] == 2"
segment=${segment##*.}
segment=${segment%\~}
is "$(cached 3)" "the value of 3" "other keys are served meanwhile"
echo >&3
wait "$first"
is $? 0 "the leader ends its flight"
wait "$second" "$third"
is "$(cat "$TMP/second" "$TMP/third")" "done"$'\n'"done" \
	"who came before and who came after have its result"
wait "$resize"
is $? 0 "the resize ends"
is "$(ls "$(path)"*)" "$(path)" "and leaves one file"

exits 0 "it shrinks as well" sfshm-ctl resize -s "$segment" --slots 4 \
	--bytes 32K
is "$(shape)" "[4, 40, 32768, 32768, '0640']" "to what was asked for"
snapshot
is "$(json "$TMP/json" "len([k for k in slots if slots[k]['value_bytes']])")" \
	4 "what fits is kept"
ok "all is sound" sfshm-ctl verify -s "$segment"

exits 1 "one that is not there" sfshm-ctl resize -s "$segment-missing" --slots 9
is "$(wc -l <"$TMP/err")" 1 "one line says so"
exits 1 "impossible sizes" sfshm-ctl resize -s "$segment" --slots 99999999
like "$(<"$TMP/err")" "^sfshm-ctl: $segment: .*67108864" "say what is possible"
is "$(shape)" "[4, 40, 32768, 32768, '0640']" "and change nothing"
is "$(ls "$(path)"*)" "$(path)" "nor do they leave anything"

done_testing
