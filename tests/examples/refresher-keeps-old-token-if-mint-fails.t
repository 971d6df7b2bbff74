#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/mint.sh"

segment
echo 63 >"$mint/life"
gets token-1 minted "the first token" -m 60000
ok "it is due" older key 3000
touch "$mint/fail"
gets token-1 "cached, due, the last mint failed" \
	"the one that failed to mint goes on with it" -m 60000
ok "it has tried" mints 2
crowd 6 -m 60000
crowd_wait
is "$statuses" "6 0" "so does everybody"
is "$(cut -d ' ' -f 2 "$TMP"/out.* | sort | uniq -c | xargs)" "6 token-1" \
	"with the same one"

rm "$mint/fail"
minted()
{
	refresher -m 60000 2>/dev/null | grep -qv token-1
}
ok "it is minted when that works again" wait_until minted

# One that lives three seconds.
segment 2
echo 3 >"$mint/life"
before=$(wc -l <"$mint/log")
gets "token-$((before + 1))" minted "a token that ends soon" -m 100
touch "$mint/fail"
ok "it ends" older key 3000
is "$(refresher -m 100 2>"$TMP/err"; echo "status $?")" "status 1" \
	"past its end it is not given out, however the mint fails"
like "$(<"$TMP/err")" "key: the work failed: the command failed" "and why"
rm "$mint/fail"

segment 3
echo 0.5 >"$mint/life"
is "$(refresher -m 900 2>"$TMP/err"; echo "status $?")" "status 1" \
	"a token that would be due from the start is refused"
like "$(<"$TMP/err")" "lives no longer than the margin" "and why"
done_testing
