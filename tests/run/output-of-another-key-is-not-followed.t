#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --follow-output finds a leader's transcript among the descriptors of a
# process that may lead another key by then. Here the leader has another
# leader's transcript, of a flight with the same generation, as the descriptor
# that comes first.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment other
other=$segment
segment

script work <<'END'
echo "$1"
echo "$1" >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

# transcript PID: sets $file to that process's file without a name
transcript()
{
	local link

	for file in "/proc/$1/fd/"*; do
		link=$(readlink "$file")
		[[ $link != /var/tmp/*deleted* && $link != /memfd:* ]] ||
			return 0
	done
	return 1
}

# generation SEGMENT KEY: of the key's only flight
generation()
{
	sfshm-dump -s "$1" --json --key "$2" |
		grep -o '"generation": *[0-9]*' | tr -cd '0-9\n'
}

# beside WHAT SEGMENT KEY: the other leader
beside()
{
	local what=$1 where=$2 key=$3 leader first follower generation

	rm -f "$TMP/go"
	: >"$TMP/log"
	: >"$TMP/f.out"
	spawn sfshm-run -s "$where" -k "$key" --follow-output -- \
		"$TMP/work" other >/dev/null
	first=$!
	logged other
	ok "$what: its leader has a transcript" wait_until transcript $first
	transcript $first
	spawn_run -k key --follow-output -- "$TMP/work" own \
		>/dev/null 3<"$file"
	leader=$!
	logged own
	generation=$(generation "$where" "$key")
	is "$(generation "$segment" key)" "${generation:-none}" \
		"$what: both flights have the same generation"
	spawn_run -k key --follow-output -- false >"$TMP/f.out"
	follower=$!
	wait_until [ -s "$TMP/f.out" ] || fail "$what: the follower prints"
	is "$(cat "$TMP/f.out")" own \
		"$what: a follower prints its own key's run as it comes"
	touch "$TMP/go"
	ends 0 "$what: all end well" "$first" "$leader" "$follower"
	is "$(cat "$TMP/f.out")" own "$what: the output is there once"
	sfshm-ctl unlink -s "$segment" >/dev/null
	sfshm-ctl unlink -s "$where" >/dev/null 2>&1
}

beside "another key" "$segment" second
beside "the key in another segment" "$other" key
done_testing
