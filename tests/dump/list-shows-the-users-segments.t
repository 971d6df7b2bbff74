#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment small
small=$segment
segment large
large=$segment
sfshm-ctl create -s "$small" --slots 100 --participants 8 >"$TMP/out"
sfshm-ctl create -s "$large" --slots 5000 >"$TMP/out"
segment=$large
publish report
lead slow

# Other tests' segments come and go, and may be damaged on purpose.
sfshm-dump >"$TMP/out" 2>"$TMP/err"
like "$(head -n 1 "$TMP/out")" '^SEGMENT +SIZE +MEMORY +SLOTS +PARTICIPANTS$' \
	"the heading"
like "$(grep "^$small " "$TMP/out")" " 0/100 +0/8$" \
	"slots and participants of an unused one"
like "$(grep "^$large " "$TMP/out")" \
	" [0-9.]+[KM] +[0-9.]+[KM] +2/5000 +1/1024$" \
	"size, memory, slots used, participants alive of a used one"

sfshm-dump --json >"$TMP/json" 2>"$TMP/err"
is "$(json "$TMP/json" 'list(d)')" \
	"['schema', 'taken_at', 'segments']" "JSON has a list"
one="[s for s in d['segments'] if s['name'] == '$large'][0]"
is "$(json "$TMP/json" "${one}['path']")" "$(path)" "the file"
is "$(json "$TMP/json" "${one}['slots_max'], ${one}['participants_alive']")" \
	"(5000, 1)" "slots, participants alive"
is "$(json "$TMP/json" "0 < ${one}['memory_bytes'] < ${one}['file_bytes']")" true \
	"memory"

segment bad
echo nonsense >"$(path)"
sfshm-dump >"$TMP/out" 2>"$TMP/err"
is $? 1 "a bad file among them: exit status 1"
like "$(grep "^$segment " "$TMP/out")" ' not usable: .+' "its line says why"
like "$(<"$TMP/out")" "$small" "the others are listed all the same"
sfshm-dump --json >"$TMP/json" 2>"$TMP/err"
one="[s for s in d['segments'] if s['name'] == '$segment'][0]"
is "$(json "$TMP/json" "len(${one}['why']) > 0")" true "JSON says why too"

nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
if ! "${nobody[@]}" "$SFSHM_BUILD/tools/sfshm-dump" --version \
	>"$TMP/out" 2>&1; then
	skip "cannot become another user" "users see their own"
	skip "cannot become another user" "root sees everybody's"
else
	tool=$SFSHM_BUILD/tools
	"${nobody[@]}" "$tool/sfshm-ctl" create -s "$small" >"$TMP/out"
	"${nobody[@]}" "$tool/sfshm-dump" >"$TMP/out" 2>"$TMP/err"
	is "$(grep -c "^$small \|$large" "$TMP/out")" 1 "users see their own"
	sfshm-dump >"$TMP/out" 2>"$TMP/err"
	like "$(grep "^/dev/shm/sfshm.65534.$small " "$TMP/out")" ' 0/1024$' \
		"root sees everybody's"
	rm -f "/dev/shm/sfshm.65534.$small"
fi

done_testing
