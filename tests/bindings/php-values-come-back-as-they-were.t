#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: PHP's values come back with their types, null included; strings
# are stored as they are; failures have their message; 10 000 keys are made once
# each, and cost a worker no memory.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment values
exits 0 "the program about values runs" php_run \
	"$SFSHM_SOURCE/tests/bindings/php/values.php"
is "$(cat "$TMP/out")" "done" "it finds nothing wrong"
is "$(sfshm-dump -s "$segment" --noheadings -o SIZE --key text | xargs)" 1 \
	"a string of one byte takes one byte"
all_is_well

segment many
exits 0 "the program about 10 000 keys runs" php_run \
	"$SFSHM_SOURCE/tests/bindings/php/many.php"
is "$(cat "$TMP/out")" "done" "it finds nothing wrong"
is "$(sfshm-dump -s "$segment" | grep -c '^key [0-9]')" 10000 \
	"the segment has 10 000 keys"
all_is_well

stub=$SFSHM_SOURCE/src/bindings/php/sfshm.stub.php
signatures=$SFSHM_SOURCE/tests/bindings/php/signatures.php
php_run "$signatures" >"$TMP/declared"
php -n "$signatures" "$stub" >"$TMP/documented"
ok "the stub declares what the extension has" \
	diff "$TMP/documented" "$TMP/declared"
like "$(cat "$TMP/declared")" "get\(string key, callable callback" \
	"there are declarations"
php_run -i >"$TMP/info"
like "$(cat "$TMP/info")" "sfshm support => enabled" "phpinfo() has a section"
like "$(cat "$TMP/info")" "segment => [^ ]*$segment" "it names the segment"
done_testing
