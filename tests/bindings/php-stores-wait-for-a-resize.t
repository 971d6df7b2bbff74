#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: while a resize moves values, conditional stores sleep until they
# can be made, within the timeout, and call the program's callback no more often
# than values change.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"
. "${0%/*}/../dump/lib.sh"

# stores WHAT: the program does that; what it says will be in $TMP/WHAT
stores()
{
	spawn php_run "$SFSHM_SOURCE/tests/bindings/php/resize.php" "$TMP" "$1" \
		>"$TMP/$1" 2>&1
	children+=($!)
}

segment
children=()
php_run "$SFSHM_SOURCE/tests/bindings/php/resize.php" "$TMP" before \
	>"$TMP/before"
is "$(<"$TMP/before")" "done" "the values and the lock are there"
lead slow
exits 1 "a resize waits for a flight" sfshm-ctl resize -s "$segment" \
	--bytes 32M --timeout 0
exits 0 "a store that cannot wait so long says so" php_run \
	"$SFSHM_SOURCE/tests/bindings/php/resize.php" "$TMP" timeout
stores update
stores add
stores remove
wait_until [ -f "$TMP/called" ]
wait_until [ -f "$TMP/begun.add" ]
wait_until [ -f "$TMP/begun.remove" ]
kill_leader
exits 0 "the resize ends" sfshm-ctl resize -s "$segment" --timeout 2m
wait "${children[@]}"
like "$(<"$TMP/update")" "^6, [12] calls$" \
	"update() calls once, and once more if the resize changed the generation"
is "$(<"$TMP/add")" "bool(true)" "add() stores"
is "$(<"$TMP/remove")" "bool(true)" "Laravel's way to release a lock releases it"
is "$(php_run "$SFSHM_SOURCE/tests/bindings/php/resize.php" "$TMP" after)" "done" \
	"the values are as these stores left them"
done_testing
