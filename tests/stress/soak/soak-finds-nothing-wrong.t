#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1

soak=("$SFSHM_SOURCE/tools/soak" --build "$SFSHM_BUILD")

# done_of WHAT: how many the table has
done_of()
{
	sed -n "s/^$1  *\([0-9]*\)$/\1/p" "$TMP/out"
}

exits 0 "nothing is wrong" "${soak[@]}" --seconds 10
diag "$(<"$TMP/out")"
is "$(done_of violations)" 0 "the table says so"
for what in "values read and judged" "values published" "values pinned" \
	"values put" "values renewed" "nested waits" \
	"of the values read, fresh and with tags" "locks held shared" \
	"flights ended by another thread" \
	"tasks and threads that left something" \
	"of them, refused as a circle" \
	"processes killed" "processes stopped and continued" "resizes"; do
	like "$(done_of "$what")" "^[1-9]" "$what: there are some"
done
is "$(grep -c ': clean$' "$TMP/out")" 2 "sfshm-ctl verify found it clean"
segment=$(sed -n '1s/^\(soak-[0-9]*\): clean$/\1/p' "$TMP/out")
like "$segment" "^soak-" "the segment's name is known"
is "$(compgen -G "/dev/shm/sfshm.*.$segment*")" "" "nothing of it is left"

for wrong in "--seconds" "--seconds 0" "--seconds ten" "--build" "now"; do
	# shellcheck disable=SC2086 # they are words
	exits 2 "'$wrong' is refused" "$SFSHM_SOURCE/tools/soak" $wrong
	is "$(wc -l <"$TMP/err")" 1 "in one line"
done

done_testing
