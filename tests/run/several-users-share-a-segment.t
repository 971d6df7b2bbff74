#!/bin/bash
# SPDX-License-Identifier: MIT
#
# With a segment that root opens to all, root's jobs and users who accept it
# exclude each other, and get each other's results. Nobody comes to use another
# user's segment, or one that all may write to, without saying so; what is
# refused names the options that would accept it.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"
[ "$UID" -eq 0 ] || skip_all "only root can be several users"

# As tools/tmpfiles.d/sfshm.conf makes /run/sfshm.
chmod 711 "$TMP"
mkdir -m 1777 "$TMP/run"
all=$TMP/run/all

# as USER ARGUMENT...: sfshm-run as that user
as()
{
	local user=$1

	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups \
		env HOME=/tmp sfshm-run "$@"
}

script stay <<'END'
echo stay >>"$TMP/log"
until [ -e "$TMP/go" ]; do sleep 0.02; done
END

exits 0 "root makes the segment" \
	sfshm-run -s "$all" --mode 0666 --lock a -- true
is "$(stat -c '%a %u' "$all")" "666 0" "... for all"
spawn sfshm-run -s "$all" --lock backup -- "$TMP/stay"
holder=$!
logged stay
exits 125 "root's segment" as 4001 -s "$all" --lock backup -n -- true
is "$(cat "$TMP/err")" "sfshm-run: segment $all: $all belongs to user 0,\
 not 4001; if you trust all users, say --owner root --mode 0666" \
	"... is no user's who does not say so"
exits 125 "trust in root" as 4001 -s "$all" --owner root --lock backup -n -- true
is "$(cat "$TMP/err")" "sfshm-run: segment $all: $all has mode 0666, more open\
 than 0664; if you trust all users, say --mode 0666" \
	"... is not trust in all who may write"
shared=(-s "$all" --owner root --mode 0666)
exits 124 "a user is kept out by root's lock" \
	as 4001 "${shared[@]}" --lock backup -n -- true
touch "$TMP/go"
ends 0 "... while root has it" $holder
exits 0 "... and not after that" as 4001 "${shared[@]}" --lock backup -n -- true
exits 0 "a user's result" as 4001 "${shared[@]}" -k r --ttl 1h -- echo of 4001
exits 0 "... serves root" sfshm-run -s "$all" -k r -- false
is "$(cat "$TMP/out")" "of 4001" "... as it is"
exits 0 "... and another user" as 4002 "${shared[@]}" -k r -- false
is "$(cat "$TMP/out")" "of 4001" "... as it is"

# Where all may make names, a user can give root's segment another one.
exits 0 "a second name" setpriv --reuid 4002 --regid 4002 --clear-groups \
	ln "$all" "$TMP/run/own"
exits 125 "... lures nobody into it" as 4001 -s "$TMP/run/own" -k r -- false
exits 125 "... who trusts root" \
	as 4001 -s "$TMP/run/own" --owner root -k r -- false

mine=$TMP/run/mine
exits 0 "a user's segment" as 4001 -s "$mine" --mode 0666 --lock a -- true
exits 125 "... is not another user's" as 4002 -s "$mine" --lock a -- true
is "$(cat "$TMP/err")" "sfshm-run: segment $mine: $mine belongs to user 4001,\
 not 4002; if you trust all users, say --owner 4001 --mode 0666" \
	"... unless told so"
exits 0 "... as it says" \
	as 4002 -s "$mine" --owner 4001 --mode 0666 --lock a -- true
exits 125 "... nor root's" sfshm-run -s "$mine" --lock a -- true
like "$(cat "$TMP/err")" "say --owner 4001 --mode 0666$" "... unless told so"
exits 0 "... as it says" \
	sfshm-run -s "$mine" --owner 4001 --mode 0666 --lock a -- true
chmod 600 "$mine"
exits 125 "one that is not open" sfshm-run -s "$mine" --lock a -- true
like "$(cat "$TMP/err")" "; if you trust that user, say --owner 4001$" \
	"... needs no mode"
exits 0 "... as it says" sfshm-run -s "$mine" --owner 4001 --lock a -- true
chmod 666 "$mine"
exits 125 "a mode that is too open" \
	as 4001 -s "$mine" --mode 0660 --lock a -- true
like "$(cat "$TMP/err")" "; if you trust all users, say --mode 0666$" \
	"... is told"
exits 125 "another group" as 4001 -s "$mine" --group 4002 --lock a -- true
like "$(cat "$TMP/err")" "; if you trust all users, say --group 4001$" \
	"... is told"

exits 125 "another user's segment that is missing" \
	as 4002 -s "$TMP/run/none" --owner 4001 --lock a -- true
like "$(cat "$TMP/err")" "; its owner makes it, with sfshm-ctl create --mode" \
	"... is not made"
ok "... at all" test ! -e "$TMP/run/none"
exits 0 "root makes it for that user" \
	sfshm-run -s "$TMP/run/none" --owner 4001 --group 4002 --mode 0660 \
	--lock a -- true
is "$(stat -c '%a %u %g' "$TMP/run/none")" "660 4001 4002" "... as it says"
exits 0 "... who uses it" as 4001 -s "$TMP/run/none" --lock a -- true

segment named
exits 0 "root's segment by its name" \
	sfshm-run -s "$segment" --mode 0666 -k n --ttl 1h -- echo named
exits 0 "... is a user's with --owner" \
	as 4001 -s "$segment" --owner root --mode 0666 -k n -- false
is "$(cat "$TMP/out")" named "... and the same"

exits 0 "root's own" sfshm-run -s "$TMP/run/root" --lock a -- true
exits 125 "... is its own" \
	as 4001 -s "$TMP/run/root" --owner root --lock a -- true
like "$(cat "$TMP/err")" \
	"Permission denied; its owner opens it to others with chmod" "... is told"

exits 125 "a user that is none" sfshm-run --owner no-such-user --lock a -- true
exits 125 "a group that is none" sfshm-run --group no-such-group --lock a -- true
exits 125 "a mode that is none" sfshm-run --mode 888 --lock a -- true
done_testing
