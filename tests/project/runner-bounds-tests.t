#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tests/lib/run-test ends a test that hangs, and finds and ends a process that
# outlives its test.
. "${0%/*}/../lib/tap.sh" || exit 1

mkdir -p "$TMP/build/tests"
echo "SFSHM_SANITIZE:STRING=" >"$TMP/build/CMakeCache.txt"

# run LINE...: runs a test of these lines; its status goes to $status
run()
{
	local test=$TMP/build/tests/sample.t
	{
		echo '#!/bin/bash'
		printf '%s\n' "$@"
	} >"$test"
	chmod +x "$test"
	status=0
	"$SFSHM_SOURCE/tests/lib/run-test" "$test" \
		>"$TMP/out" 2>"$TMP/err" || status=$?
}

gone()
{
	! kill -0 "$1" 2>/dev/null
}

run 'echo "ok 1"; echo "1..1"'
is "$status $(xargs <"$TMP/out")" "0 ok 1 1..1" "a good test's words come through"
is "$(cat "$TMP/err")" "" "... and nothing else"

run 'echo "not ok 1 - why"; echo "1..1"'
like "$(cat "$TMP/err")" 'not ok 1 - why' "a failed test is shown"

run 'echo "not ok 1 # SKIP sample"; echo "1..1"'
is "$(xargs <"$TMP/out")" "ok 1 # SKIP sample 1..1" "cmocka's skipped tests are"

run 'grep SigIgn /proc/self/status'
like "$(cat "$TMP/out")" '0000000000000000$' "no signal is ignored"

export SFSHM_TEST_SECONDS=1
run "sleep 1000 & echo \$! >$TMP/pid; exec sleep 1000"
is "$status" 124 "a test that hangs is ended"
ok "... with what it started" wait_until gone "$(cat "$TMP/pid")"

run "setsid sleep 1000 & echo \$! >$TMP/pid; echo 'ok 1'; echo 1..1"
is "$status" 1 "a process that outlives its test is a failure"
like "$(cat "$TMP/err")" 'left behind: [0-9]+ sleep 1000' "... is named"
ok "... and is ended" wait_until gone "$(cat "$TMP/pid")"
done_testing
