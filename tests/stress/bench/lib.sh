# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests that count what operations cost. They look at the library as it
# ships, compiled by the compiler that the bounds were measured with: neither
# instructions nor system calls depend on time or on what else runs.
. "${BASH_SOURCE[0]%/*}/../../lib/tap.sh" || exit 1

program=$SFSHM_BUILD/tests/stress/bench
# shellcheck disable=SC2034 # used by those that read this
operations=(hit hit_4k forget_4k hit_shared shared hit_tagged hit_key40 claim flight flight_detached insert_full
	lock semaphore wake wake_polled finish)

[ -z "$SFSHM_SANITIZE" ] || skip_all "sanitizers add to what is counted"
[ -x "$program" ] || skip_all "$program is not built"

# bounded FILE NAME COUNT UNIT: the file has lines "NAME BOUND"
bounded()
{
	local bound
	bound=$(awk -v name="$2" '$1 == name { print $2 }' "$1")
	if [ -z "$bound" ]; then
		fail "${1##*/} has no bound for $2"
	elif awk "BEGIN { exit !($3 <= $bound) }"; then
		pass "$2: $3 $4, at most $bound"
	else
		fail "$2: $3 $4, more than the $bound in ${1##*/}"
	fi
}
