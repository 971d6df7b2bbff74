#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

# wrong REGEX ARGUMENT...
wrong()
{
	local regex=$1
	shift
	exits 2 "sfshm-dump $*: exit status 2" sfshm-dump "$@"
	is "$(wc -l <"$TMP/err")" 1 "one line"
	like "$(<"$TMP/err")" "^sfshm-dump: $regex" "that says what"
}

wrong "unknown option '-q'" -q
wrong "unknown option '--quick'" --quick
wrong "-s needs an argument" -s
wrong "--phase needs an argument" -s x --phase
wrong "--json=yes takes no argument" -s x --json=yes
wrong "--phase flying: .*idle, busy, done, failed" -s x --phase flying
wrong "--phase free: " -s x --phase free
wrong "--watch 0: .*seconds" -s x --watch 0
wrong "--watch 1x: .*seconds" -s x --watch 1x
wrong "--watch inf: .*seconds" -s x --watch=inf
wrong "--watch nan: .*seconds" -s x --watch=nan
wrong "unknown option '-1'" -s x --watch -1
wrong "unexpected 'x'" x
for option in "--key a*" "--phase busy" "--sort KEY" "--limit 5" "-o KEY" \
	--all --check --waiting "--html x" "--pid 1" "--older 1s"; do
	status=2
	[ "$option" = --check ] && status=3
	# shellcheck disable=SC2086 # they are words
	exits $status "sfshm-dump $option needs a segment" sfshm-dump $option
	like "$(<"$TMP/err")" "need a segment; give one with -s" "it says so"
done
wrong "-o KEY,SIZ: 'SIZ' is no column" -s x -o KEY,SIZ
wrong "-o : '' is no column" -s x -o ""
wrong "--sort PAGE: " -s x --sort PAGE
wrong "--limit few: .*whole number" -s x --limit few
wrong "--pid 0: " -s x --pid 0
wrong "--older 5: .*ms, s, m" -s x --older 5
wrong "--phase : " -s x --phase ""
wrong "--phase busy,free: .*dead" -s x --phase busy,free
wrong "--kind flock: .*semaphore" -s x --kind flock
wrong "--json has all columns" -s x --json -o KEY
wrong "--html needs an argument" -s x --html
for option in --json --all --check --watch "--sort KEY" "-o KEY" --noheadings \
	--metrics; do
	status=2
	[ "$option" = --check ] && status=3
	# shellcheck disable=SC2086 # they are words
	exits $status "--html and $option do not go together" \
		sfshm-dump -s x --html "$TMP/page" $option
	like "$(<"$TMP/err")" "^sfshm-dump: --html takes a segment" "it says so"
done
wrong "--events and --trace need" -s x --html y --events
for limits in waiters waiters=many age=5 slots=5x% swap=90%; do
	exits 3 "--check $limits: exit status 3" sfshm-dump -s x --check "$limits"
	like "$(<"$TMP/err")" "check $limits: '$limits' is no limit" "it says so"
done

exits 0 "help is no error" sfshm-dump --help
like "$(<"$TMP/out")" '^usage: sfshm-dump ' "and tells the usage"
exits 0 "nor is the version" sfshm-dump --version
like "$(<"$TMP/out")" '^sfshm-dump [0-9]+\.[0-9]+\.[0-9]+$' "which is told"

done_testing
