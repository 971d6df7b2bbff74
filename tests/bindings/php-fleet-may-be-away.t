#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: while the fleet's server is away, each host makes its own values
# at once and a worker warns once; a strict cache throws. When the server is
# back, the hosts share their runs again. The same holds if the password's file
# cannot be read; children of pcntl_fork() have a fleet of their own.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"
. "${0%/*}/../bindings/engine.sh"

segment there
there=$segment
segment here
start_engine
# Its standard input and output are this test's.
coproc program {
	php_run -d sfshm.fleet="\"$url\"" \
		"$SFSHM_SOURCE/tests/bindings/php/fleet.php" \
		"$url" "$segment" "$there" "$TMP" 2>"$TMP/err"
}
pid=$program_PID
exec 3>&"${program[1]}" 4<&"${program[0]}"
tap_children+=("$pid")
last=""
while read -r -u 4 line; do
	last=$line
	case $last in
	stop) stop_engine ;;
	start) start_engine ;;
	*) continue ;;
	esac
	echo "done" >&3
done
status=0
wait "$pid" || status=$?
is "$status $last" "0 end" "the program finds nothing wrong"
[ "$last" = end ] || diag "$(cat "$TMP/err")"
php_run -d open_basedir=/ -r 'new Sfshm\Cache(null, ["fleet" => "unix:/s"]);' \
	>"$TMP/out" 2>&1
like "$(cat "$TMP/out")" "ValueError: under open_basedir" \
	"under open_basedir a script names no fleet"
all_is_well
segment=$there all_is_well
done_testing
