#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment keys
publish $'tab\there'
publish $'red\e[31m'
publish $'two\nlines'
publish 'back\slash'
publish $'latin-\xe9'
publish $'umlaut-\xc3\xbc'
publish $'turned-\xe2\x80\xae-around'

shown()
{
	sed -n '/^KEY/,/^$/p' "$TMP/out" |
		awk 'NR > 1 && NF { print $1 }' | sort
}

sfshm-dump -s "$segment" >"$TMP/out"
is "$(shown)" "$(sort <<'END'
tab\there
red\x1b[31m
two\nlines
back\\slash
latin-\xe9
umlaut-\xc3\xbc
turned-\xe2\x80\xae-around
END
)" "plain ASCII in the C locale"

LC_ALL=C.UTF-8 sfshm-dump -s "$segment" >"$TMP/out"
like "$(shown)" $'umlaut-\xc3\xbc($|\n)' "letters stay in a UTF-8 locale"
like "$(shown)" 'latin-\\xe9' "what is not UTF-8 does not"
like "$(shown)" 'turned-\\xe2\\x80\\xae-around' \
	"nor what turns the line around"

snapshot
is "$(LC_ALL=C tr -d '\n -~' <"$TMP/json" | wc -c)" 0 "JSON is plain ASCII"
is "$(json "$TMP/json" '"tab\there" in slots and "two\nlines" in slots')" true \
	"a UTF-8 key stands in JSON as it is"
is "$(json "$TMP/json" '"umlaut-\u00fc" in slots')" true "letters and all"
is "$(json "$TMP/json" '"back\\slash" in slots')" true "backslashes too"
is "$(json "$TMP/json" 'slots["latin-\\xe9"]["key_hex"]')" \
	"$(printf 'latin-\xe9' | od -An -tx1 | tr -d ' \n')" \
	"another is escaped, its bytes in key_hex"
is "$(json "$TMP/json" 'sum("key_hex" in slot for slot in d["slots"])')" 1 \
	"only that one has key_hex"

done_testing
