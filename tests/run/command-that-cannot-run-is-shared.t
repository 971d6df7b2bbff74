#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

echo 'not a program' >"$TMP/plain"

exits 127 "a command that is not there" run -k a --neg-ttl 1h -- no-such-thing
is "$(cat "$TMP/err")" \
	"sfshm-run: cannot execute no-such-thing: No such file or directory" \
	"... is told of"
mv "$TMP/err" "$TMP/first"
exits 127 "... to those who share it" run -k a -- true
ok "... in the same words" cmp "$TMP/first" "$TMP/err"

exits 126 "a file that is no program" run -k b --neg-ttl 1h -- "$TMP/plain"
is "$(cat "$TMP/err")" \
	"sfshm-run: cannot execute $TMP/plain: Permission denied" \
	"... is told of"
exits 126 "... to those who share it" run -k b -- true

exits 126 "a folder" run -k c -- "$TMP"
exits 127 "an empty name" run -k d -- ""
done_testing
