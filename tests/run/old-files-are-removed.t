#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In the directory that is sfshm-run's own, sfshm-run removes results whose
# lifetimes have been over for an hour when it runs another command.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment
export XDG_CACHE_HOME=$TMP/cache
files=$TMP/cache/sfshm-run

# make NAME OPTION...: a result, under that name
make()
{
	local name=$1

	shift
	run -k "$name" --file "$@" -- echo "$name" >/dev/null
	mv "$(grep -lx "$name" "$files"/????????????????????????????????.run)" \
		"$files/$name.run"
}

make over
make later --ttl 1s
make long --ttl 1d
make short
echo text >"$files/foreign.run"
echo text >"$files/text"
touch -d '70 minutes ago' "$files"/{over,later,long,foreign}.run "$files/text"
exits 0 "another run" run -k another --file -- echo text
exits 0 "with those that are over an hour old gone" [ ! -e "$files/over.run" ]
exits 0 "... with a short lifetime too" [ ! -e "$files/later.run" ]
exits 0 "what is alive stays" [ -e "$files/long.run" ]
exits 0 "... and what is younger" [ -e "$files/short.run" ]
exits 0 "... and what is no result" [ -e "$files/foreign.run" ]
exits 0 "... or has no such name" [ -e "$files/text" ]

mkdir "$TMP/dir"
exits 0 "a result elsewhere" run -k key --file --dir "$TMP/dir" -- echo text
touch -d '70 minutes ago' "$TMP/dir"/*
exits 0 "... and another" run -k other --file --dir "$TMP/dir" -- echo text
is "$(find "$TMP/dir" -type f | wc -l)" 2 "... are their owner's to remove"
done_testing
