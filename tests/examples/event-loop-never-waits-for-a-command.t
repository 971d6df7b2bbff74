#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A command that closes its output and lives on keeps its own client waiting,
# and no other one. Its value counts when it has ended well.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/event.sh" || exit 1

print_value()
{
	echo "value of $1"
	[ "$1" != other ] || return 0
	exec >&-
	touch "$TMP/$1.closed"
	until [ -e "$TMP/go" ]; do sleep 0.05; done
	[ "$1" != failing ]
}

event_start 1
for key in lingering failing; do
	herd 1 1 "$key" >"$TMP/$key"
	herds+=($!)
	ok "the $key command closes its output, and lives on" \
		wait_until [ -e "$TMP/$key.closed" ]
done
herd 1 1 other >"$TMP/other"
ok "another key's client gets its value meanwhile" \
	wait_until grep -q "^computed .* value of other" "$TMP/other"
is "$(cat "$TMP/lingering" "$TMP/failing")" "$(printf 'asked\nasked')" \
	"the two commands' clients wait"

touch "$TMP/go"
wait "${herds[@]}"
like "$(cat "$TMP/lingering")" "computed [0-9]+ value of lingering" \
	"the client gets its value when the command has ended"
like "$(cat "$TMP/failing")" "error 0 the command failed" \
	"or an error if the command has failed"
done_testing
