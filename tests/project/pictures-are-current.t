#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Each picture in docs/img is what dot makes of its source. Versions of
# Graphviz place things differently, so the test compares nodes, edges and
# labels.
. "${0%/*}/../lib/tap.sh" || exit 1

command -v dot >/dev/null || skip_all "no dot here (package graphviz)"
cd "$SFSHM_SOURCE/docs/img" || exit 1

drawn()
{
	grep -oE '<(title|text)[^>]*>[^<]*' "$1" | sed 's/^[^>]*>//' | sort
}

for source in *.dot; do
	picture=${source%.dot}.svg
	ok "$source can be drawn" dot -Tsvg "$source" -o "$TMP/$picture"
	is "$(drawn "$picture")" "$(drawn "$TMP/$picture")" \
		"$picture shows what $source says"
done
done_testing
