#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: children of pcntl_fork() use their parent's objects and end none
# of its flights; handlers of signals run while a call waits, and may end the
# wait.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment
readarray -t shared < <(extension_arguments posix)
php_run "${shared[@]}" -r 'exit(function_exists("pcntl_fork") &&
	function_exists("posix_kill") ? 0 : 1);' ||
	skip_all "this PHP has no pcntl and posix"
exits 0 "the program runs" php_run "${shared[@]}" \
	"$SFSHM_SOURCE/tests/bindings/php/processes.php" "$TMP"
is "$(cat "$TMP/out")" "done" "it finds nothing wrong"
all_is_well
done_testing
