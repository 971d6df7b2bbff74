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
wrong "--key, --phase and --kind .*-s" --key 'a*'
wrong "--key, --phase and --kind .*-s" --phase busy

exits 0 "help is no error" sfshm-dump --help
like "$(<"$TMP/out")" '^usage: sfshm-dump ' "and tells the usage"
exits 0 "nor is the version" sfshm-dump --version
like "$(<"$TMP/out")" '^sfshm-dump [0-9]+\.[0-9]+\.[0-9]+$' "which is told"

done_testing
