#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment columns
publish small x
publish large "$(printf 'x%.0s' {1..2000})"
publish middle "$(printf 'x%.0s' {1..500})"
lead busy
follow busy 2

# show ARGUMENT...: the output without its heading
show()
{
	sfshm-dump -s "$segment" --noheadings "$@"
}

is "$(sfshm-dump -s "$segment" -o KEY,WAIT | head -n 1)" \
	"KEY                              WAIT" "a heading"
is "$(show -o key,wait --phase busy)" "busy                                2" \
	"the columns that were asked for, and nothing else"
is "$(show -o PHASE --key small)" "done" "one column has no blanks behind it"
like "$(show -o OWNER,COMMAND,KEY --key busy)" \
	"^$leader +sfshm-run -s $segment -k busy -- sleep 1000 busy\$" \
	"the owner's command line"
is "$(show -o KEY)" $'busy\nsmall\nlarge\nmiddle' \
	"the key that somebody waits for comes first"
is "$(show -o KEY --sort KEY)" $'busy\nlarge\nmiddle\nsmall' "sorted by text"
is "$(show -o KEY --sort -size)" $'large\nmiddle\nsmall\nbusy' \
	"sorted by a number, the largest first"
is "$(show -o KEY --sort SIZE --limit 2)" $'busy\nsmall' "two of them"
is "$(show -o KEY --limit 1)" busy "the most urgent one"
is "$(show -o KEY --limit 0 | wc -l)" 4 "0 is no limit"
sfshm-dump -s "$segment" --json --sort -SIZE --limit 2 >"$TMP/json"
is "$(json "$TMP/json" '" ".join(s["key"] for s in d["slots"])')" \
	"large middle" "JSON is sorted as well"

long=$(printf 'k%.0s' {1..300})
publish "$long"
is "$(show -o KEY --key 'kkk*')" "$long" "a script gets the whole key"
is "$(show -o KEY,NOTES --key busy)" busy "no notes, no blanks"

done_testing
