#!/bin/bash
# SPDX-License-Identifier: MIT
#
# --owner of sfshm-ctl, sfshm-dump and sfshm-top: root acts as the segment's
# user; another user says that it trusts the segment's user.
. "${0%/*}/../lib/tap.sh" || exit 1
[ "$UID" -eq 0 ] || skip_all "only root can be several users"

chmod 711 "$TMP"
mkdir -m 1777 "$TMP/run"
name=test-owner-$$
path=/dev/shm/sfshm.4001.$name

# as USER COMMAND...: with a copy of the tools' environment
as()
{
	local user=$1

	shift
	setpriv --reuid "$user" --regid "$user" --clear-groups \
		env HOME=/tmp "$@"
}

exits 0 "root makes a user's segment" sfshm-ctl create -s "$name" \
	--owner 4001 --group 4005 --mode 0660
is "$(stat -c '%u %g %a' "$path")" "4001 4005 660" "... as it says"
exits 0 "the user uses it" as 4001 sfshm-ctl put key value --ttl 1h -s "$name"

exits 1 "root, by its path alone" sfshm-ctl verify -s "$path"
like "$(cat "$TMP/err")" "belongs to user 4001, not 0; to act as that user,\
 say --owner 4001$" "... is told what to say"
exits 1 "... also to remove it" sfshm-ctl unlink -s "$path"
like "$(cat "$TMP/err")" "it belongs to another user; to act as that user,\
 say --owner 4001$" "... is told"
own=(-s "$name" --owner 4001)
exits 0 "root verifies it" sfshm-ctl verify "${own[@]}"
exits 0 "... and reads" sfshm-ctl get key "${own[@]}"
is "$(cat "$TMP/out")" value "... the value"
exits 0 "... and looks into it" sfshm-dump "${own[@]}"
like "$(cat "$TMP/out")" "segment +$path, .*key " "... by its name"
exits 0 "... and forgets a key" sfshm-ctl forget key "${own[@]}"
exits 0 "... and purges it" sfshm-ctl purge "${own[@]}"
exits 0 "... and reaps" sfshm-ctl reap "${own[@]}"
exits 0 "... also by its path" sfshm-ctl verify -s "$path" --owner 4001

# The user's right to its own file is all that root has then.
touch "$TMP/run/roots"
chmod 600 "$TMP/run/roots"
exits 1 "root does as that user what the user may" \
	sfshm-ctl unlink -s "$TMP/run/roots" --owner 4001
ok "... and no more" test -e "$TMP/run/roots"
exits 0 "root removes it" sfshm-ctl unlink "${own[@]}"
ok "... indeed" test ! -e "$path"
exits 0 "root makes one without a group" sfshm-ctl create "${own[@]}"
exits 0 "... and resizes it" sfshm-ctl resize --slots 32768 "${own[@]}"
is "$(stat -c '%u %g %a' "$path")" "4001 65534 600" \
	"... as the user would, who has no group"
exits 0 "... and removes it" sfshm-ctl unlink "${own[@]}"

exits 0 "a number without a name makes one" as 4001 sfshm-ctl create -s "$name"
exits 1 "root resizes it" sfshm-ctl resize --slots 32768 "${own[@]}"
exits 0 "... if it gives the group" \
	sfshm-ctl resize --slots 32768 "${own[@]}" --group 4001
is "$(stat -c '%u %g %a' "$path")" "4001 4001 600" "... which stays"
exits 0 "root removes it" sfshm-ctl unlink "${own[@]}"

segment
exits 0 "root's own, for all" sfshm-ctl create -s "$segment" --mode 0666
roots=/dev/shm/sfshm.0.$segment
exits 1 "a user, by its path alone" as 4001 sfshm-ctl verify -s "$roots"
like "$(cat "$TMP/err")" "if you trust all users, say --owner root --mode 0666$" \
	"... is told what to say"
exits 1 "... also with half of it" \
	as 4001 sfshm-ctl verify -s "$segment" --owner root
like "$(cat "$TMP/err")" "if you trust all users, say --mode 0666$" "... is told"
exits 0 "... and does so" \
	as 4001 sfshm-ctl verify -s "$segment" --owner root --mode 0666
exits 0 "a user looks into it" as 4001 sfshm-dump -s "$segment" --owner root
exits 1 "a user's removal fails" \
	as 4001 sfshm-ctl unlink -s "$segment" --owner root --mode 0666
exits 2 "a user that is none" sfshm-ctl verify --owner no-such-user
exits 2 "... for the dump" sfshm-dump -s x --owner no-such-user
exits 2 "--owner and no segment" sfshm-dump --owner 4001
exits 2 "--mode without --owner" sfshm-ctl verify -s "$segment" --mode 0666
done_testing
