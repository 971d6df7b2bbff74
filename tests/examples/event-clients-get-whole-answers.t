#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A client of the event server gets its answer though its own side is
# half-closed, and however long the answer is, up to the segment's largest
# value. Above that it gets an error. A client that has closed its socket is
# forgotten.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/event.sh" || exit 1

print_value()
{
	case $1 in
	held)
		touch "$TMP/started"
		until [ -e "$TMP/go" ]; do sleep 0.05; done
		echo "value of $1"
		;;
	flags) sed -n 's/^flags:[[:space:]]*//p' "/proc/$$/fdinfo/1" ;;
	stubborn)
		head -c 2000000 /dev/zero
		until [ -e "$TMP/never" ]; do sleep 0.05; done
		;;
	bare) head -c 1048577 /dev/zero ;; # no newline
	[0-9]*)
		head -c "$1" /dev/zero
		echo
		;;
	*) echo "value of $1" ;;
	esac
}

# The source and the value's length in the answer to a client.
source_and_length()
{
	ask "$1" >"$TMP/answer"
	echo "$(cut -d ' ' -f 1 "$TMP/answer")" \
		"$(($(cut -d ' ' -f 3- "$TMP/answer" | wc -c) - 1))"
}

asleep()
{
	grep -q '^State:.S' "/proc/$worker/status"
}

event_start 1
worker=$(pgrep -P "$server")
herd --half-closed 1 1 held >"$TMP/held"
held=$!
ok "a half-closed client has a run" wait_until [ -e "$TMP/started" ]
like "$(ask other)" "computed [0-9]+ value of other" \
	"the loop serves another client"
ok "and sleeps" wait_until asleep
herd 1 1 held >"$TMP/waiter"
waiter=$!
ok "a third client waits" wait_until waiters held 1
kill "$waiter"
ok "it closes its socket, and waits no more" wait_until waiters held 0
touch "$TMP/go"
wait "$held"
like "$(cat "$TMP/held")" "computed [0-9]+ value of held" \
	"the half-closed client gets its value"

flags=$(ask flags)
is "$((8#${flags##* } & 8#4000))" 0 "a command's output is not O_NONBLOCK"

for length in 4097 300000 1048576; do
	is "$(source_and_length "$length")" "computed $length" \
		"$length bytes arrive"
	is "$(source_and_length "$length")" "cached $length" \
		"and come from the segment later"
done
# The second look at a key shows that the first one has ended its flight.
for key in bare bare 1048577 1048577 stubborn; do
	like "$(ask "$key")" "^error 0 .* larger max_value" \
		"more than the largest value is refused ($key)"
done
done_testing
