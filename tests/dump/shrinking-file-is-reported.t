#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A full pipe holds the dump up. The test cuts the file short and empties the
# pipe.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment shrinking
noise=$(printf '\377%.0s' {1..1000})
for i in {1..60}; do
	publish "$i$noise"
done

mkfifo "$TMP/pipe"
sfshm-dump -s "$segment" --json >"$TMP/pipe" 2>"$TMP/err" &
dump=$!
tap_children+=("$dump")
exec 3<"$TMP/pipe"
read -r -u 3 line
like "$line" '^\{"schema"' "the dump has begun"

stuck()
{
	# Asleep in the pipe's write.
	[[ $(<"/proc/$dump/stat") =~ \)\ S ]]
}
wait_until stuck
truncate -s 4096 "$(path)"
cat <&3 >"$TMP/rest"
wait "$dump"
is $? 1 "exit status 1"
like "$(<"$TMP/err")" "^sfshm-dump: $segment: .*shrank" "it says so"
is "$(wc -l <"$TMP/err")" 1 "in one line"

done_testing
