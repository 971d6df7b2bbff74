#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A command changes its user, so that its keeper may not kill it when the
# leader is gone. No caller may start another run while the command goes on.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
[ "$(id -u)" -eq 0 ] || skip_all "changing the user takes root"
setpriv --bounding-set -kill true || skip_all "setpriv cannot do this here"
segment

script work <<'END'
echo "start $$" >>"$TMP/log"
[ -z "${1-}" ] || exec setpriv --reuid 65534 --clear-groups sleep 1000
END

spawn setpriv --bounding-set -kill sfshm-run -s "$segment" -k key -- \
	"$TMP/work" alone
leader=$!
logged start
read -r _ command <"$TMP/log"
changed()
{
	[ "$(stat -c %u "/proc/$command")" = 65534 ]
}
ok "the command changes its user" wait_until changed
kill -KILL "$leader"
ends 137 "the leader is killed" "$leader"
ok "the command lives on" kill -0 "$command"

exits 124 "the next caller's patience ends" \
	run -k key --timeout 200ms -- "$TMP/work"
is "$(cat "$TMP/err")" \
	"sfshm-run: key key: processes of a killed run were not gone within 200 ms" \
	"... and it says why"
leads()
{
	sfshm-dump -s "$segment" --json | grep -q "\"pid\": *$1\b"
}
spawn_run -k key -- "$TMP/work"
next=$!
ok "the one after it leads" wait_until leads "$next"
kill -TERM "$next"
ends 143 "... ends when told to" "$next"
spawn_run -k key -- "$TMP/work"
next=$!
ok "the third one leads" wait_until leads "$next"
is "$(grep -c start "$TMP/log")" 1 "none of them has run anything"
kill -KILL "$command"
ends 0 "when the killed run is gone, it does" "$next"
is "$(grep -c start "$TMP/log")" 2 "... once"
done_testing
