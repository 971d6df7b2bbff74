#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
segment

# The masks of a process, where its signals are its own affair.
script state <<'END'
exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
END
state=$("$TMP/state")
is "$(run -k a -- "$TMP/state")" "$state" "signals are as they were"
trap '' PIPE TERM CHLD
state=$("$TMP/state")
is "$(run -k b -- "$TMP/state")" "$state" "... when ignored, too"
trap - PIPE TERM CHLD

# The shell's own list names the descriptor of the folder, too.
script fds <<'END'
cd /proc/self/fd && echo *
END
exec 7>"$TMP/seven"
is "$(run -k c -- "$TMP/fds")" "$("$TMP/fds" </dev/null 2>"$TMP/err")" \
	"no descriptor but its caller's"
exec 7>&-
is "$(echo text | run -k d -- readlink /proc/self/fd/0)" /dev/null \
	"its input is empty"
is "$(cd "$TMP" && run -k e -- pwd)" "$TMP" "its folder is the caller's"
is "$(umask 027 && run -k f -- sh -c umask)" 0027 "its umask is, too"
is "$(X=y run -k g -- printenv X)" y "its environment is, too"
is "$(run -k h -- printf '<%s>' -k -- '' ' a  b' '*')" "<-k><--><>< a  b><*>" \
	"its arguments are not touched"
is "$(run -k i printf '<%s>' -x --ttl)" "<-x><--ttl>" \
	"... without a -- either"
# shellcheck disable=SC2016
is "$(run -k j -- sh -c 'ps -o pgid= -p $$ | tr -d " " | grep -cx $$')" 1 \
	"it leads a process group"
done_testing
