#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

segment
for bad in "" host:1 "host /a" "-x host:1 /a" "-t host:1 /a" "-t 1s host:1 /a" \
	"-t -1 host:1 /a" "-a 4294967295 host:1 /a"; do
	# shellcheck disable=SC2086
	exits 2 "metadata-cache $bad" \
		"$SFSHM_BUILD/examples/metadata-cache" -s "$segment" $bad
	ok "says how" grep -q ^usage: "$TMP/err"
done
for bad in "" name "-x name true" "-m 0 name true" "-m 1s name true" \
	"-l -1 name true" "-r 0 name true"; do
	# shellcheck disable=SC2086
	exits 2 "credential-refresher $bad" \
		"$SFSHM_BUILD/examples/credential-refresher" -s "$segment" $bad
	ok "says how" grep -q ^usage: "$TMP/err"
done

# What the command prints is not trusted either.
for line in "" token "0 token" "-1 token" "nan token" "10" "1e99 token"; do
	exits 1 "a mint that prints \"$line\"" \
		"$SFSHM_BUILD/examples/credential-refresher" -s "$segment" \
		-m 1 "key $line" echo "$line"
	like "$(<"$TMP/err")" 'not "SECONDS TOKEN"' "says what is the matter"
done
exits 1 "a command that there is not" \
	"$SFSHM_BUILD/examples/credential-refresher" -s "$segment" key nonesuch
exits 1 "a segment that cannot be opened" \
	"$SFSHM_BUILD/examples/credential-refresher" -s "$TMP/missing/segment" \
	key true
like "$(<"$TMP/err")" "cannot open the segment: " "says so"
done_testing
