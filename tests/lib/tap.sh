# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# TAP for shell tests. A test begins with
#
#	#!/bin/bash
#	. "${0%/*}/../lib/tap.sh"
#
# and ends with done_testing. It finds the tools in PATH, a folder of its own
# in $TMP, and the two trees in $SFSHM_BUILD and $SFSHM_SOURCE. What it starts
# with `spawn` and names with `segment` is gone when it ends.

set -u
LC_ALL=C
SFSHM_SOURCE=${SFSHM_SOURCE:-$(realpath "${BASH_SOURCE[0]%/*}/../..")}
SFSHM_BUILD=${SFSHM_BUILD:-$SFSHM_SOURCE/build}
SFSHM_SANITIZE=${SFSHM_SANITIZE:-}
# tests/bin has the system's own Python: what stands in for it may be slow.
PATH=$SFSHM_BUILD/tools:$SFSHM_BUILD/tests/bin:$PATH
TMP=$(mktemp -d "${TMPDIR:-/tmp}/sfshm-test.XXXXXX") || exit 1
export LC_ALL SFSHM_SOURCE SFSHM_BUILD SFSHM_SANITIZE PATH

tap_count=0
tap_failed=0
tap_done=
tap_segments=()
tap_children=()

# Hides bash's own notes about killed children.
tap_cleanup()
{
	local status=$? segment

	for pid in "${tap_children[@]}"; do
		kill -KILL "$pid" && wait "$pid"
	done 2>/dev/null
	for segment in "${tap_segments[@]}"; do
		sfshm-ctl unlink -s "$segment"
	done >/dev/null 2>&1
	rm -rf "$TMP"
	if [ -z "$tap_done" ] && [ "$status" -eq 0 ]; then
		echo "Bail out! the test ended before done_testing"
		exit 1
	fi
	exit "$status"
}
trap tap_cleanup EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $*"
}

fail()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $*"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	tap_done=1
	exit 0
}

# skip WHY DESCRIPTION
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $2 # SKIP $1"
}

# ok DESCRIPTION COMMAND...: the command succeeds
ok()
{
	local what=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	if [ $status -eq 0 ]; then
		pass "$what"
	else
		fail "$what"
		diag "exit status $status of: $*"
		[ -z "$out" ] || diag "$out"
	fi
}

# is GOT WANTED DESCRIPTION
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "     got: $1"
		diag "expected: $2"
	fi
}

# like GOT REGEX DESCRIPTION: bash's extended regular expressions
like()
{
	if [[ $1 =~ $2 ]]; then
		pass "$3"
	else
		fail "$3"
		diag "     got: $1"
		diag "expected: $2"
	fi
}

# exits STATUS DESCRIPTION COMMAND...: leaves its output in $TMP/out, $TMP/err
exits()
{
	local want=$1 what=$2 got=0
	shift 2
	"$@" >"$TMP/out" 2>"$TMP/err" || got=$?
	is "$got" "$want" "$what"
	[ "$got" = "$want" ] || diag "$(cat "$TMP/err")"
}

# wait_until COMMAND...: polls until the command succeeds; fails after two
# minutes.
wait_until()
{
	local end=$((SECONDS + 120))

	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# spawn COMMAND...: starts it in the background; its pid is in $!. By itself the
# shell would start it with SIGINT and SIGQUIT ignored.
spawn()
{
	if [ "$(type -t "$1")" = file ]; then
		env --default-signal=INT,QUIT "$@" &
	else
		"$@" &
	fi
	tap_children+=($!)
}

# segment [TAG]: sets $segment to a name that no other test uses
segment()
{
	segment=test-$$${1:+-$1}
	# A killed test whose process had this number may have left a segment.
	rm -f "/dev/shm/sfshm.$UID.$segment"
	tap_segments+=("$segment")
}

done_testing()
{
	[ "$tap_count" -gt 0 ] || fail "there is something to test"
	tap_done=1
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}
