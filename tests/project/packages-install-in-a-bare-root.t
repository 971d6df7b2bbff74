#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/package makes packages that lintian finds nothing wrong with, the same
# bytes wherever the tree lies. apt installs them, by the README's command, into
# a root that has nothing else, and the README's examples work there. The root
# comes from where this system gets its own packages.
. "${0%/*}/../lib/readme.sh" || exit 1

[ "$(id -u)" -eq 0 ] || skip_all "only root makes a root"
command -v mmdebstrap >/dev/null || skip_all "no mmdebstrap here"
command -v lintian >/dev/null || skip_all "no lintian here"
sources=$(apt-cache policy liburcu-dev | awk '$2 ~ /^[a-z]+:\/\// {
	split($3, part, "/"); print "deb", $2, part[1], part[2]
}' | sort -u)
[ -n "$sources" ] || skip_all "apt gets its packages from nowhere"

# The second tree lies elsewhere, at another depth.
clone=$TMP/clone
copy_tree "$clone"
copy_tree "$TMP/some/other/place"
packages=$clone/build/packages
cd "$clone" || exit 1
exits 0 "the packages can be made" bash -c "$(block Install 1 | head -n 1)"
[ "$tap_failed" -eq 0 ] || done_testing
exits 0 "... and again" "$TMP/some/other/place/tools/package" "$TMP/again"
for deb in "$packages"/*.deb; do
	ok "${deb##*/} has the same bytes" cmp "$deb" "$TMP/again/${deb##*/}"
done
is "$(find "$packages" -name '*.deb' | wc -l)" 3 "... and there are three"
# The project has no mail address that it could name.
exits 0 "lintian warns of nothing" lintian --no-cfg --allow-root \
	--fail-on error,warning --suppress-tags \
	bogus-mail-host,bogus-mail-host-in-debian-changelog "$packages"/*.deb
is "$(cat "$TMP/out")" "" "... and says nothing"

# It has a compiler for the README's example.
root=$TMP/root
exits 0 "there is a root" mmdebstrap --quiet --mode=root --variant=apt \
	--skip=cleanup/apt --include=gcc,libc6-dev,pkg-config \
	"$(awk 'NR == 1 { print $3 }' <<<"$sources")" "$root" - <<<"$sources"
mkdir -p "$root/here"
cp -r "$clone/build" "$root/here/build"

# A /proc and a /dev/shm that last as long as the process which has them.
spawn unshare -m bash -c "mount -t proc none $root/proc &&
	mount -t tmpfs none $root/dev/shm && touch $TMP/apart && exec sleep 1000"
apart=$!
wait_until eval "[ -e $TMP/apart ] || ! kill -0 $apart"
inside=(nsenter -t "$apart" -m chroot "$root" env -C /here
	DEBIAN_FRONTEND=noninteractive APT_CONFIG=/here/apt.conf
	PATH=/here:/usr/sbin:/usr/bin:/sbin:/bin)
printf '%s\n' 'APT::Get::Assume-Yes "true";' >"$root/here/apt.conf"
exits 0 "$(block Install 1 | tail -n 1)" "${inside[@]}" \
	bash -c "$(block Install 1 | tail -n 1)"
cat "$TMP/out" "$TMP/err" >"$TMP/said"
is "$(grep -c ldconfig "$TMP/said"; "${inside[@]}" ldconfig -p |
	grep -c 'libsfshm\.so\.0')" $'0\n1' "the loader finds the library"
is "$("${inside[@]}" ls /usr/lib/tmpfiles.d/sfshm.conf)" \
	/usr/lib/tmpfiles.d/sfshm.conf "tmpfiles.d spares the segments"

stand_ins "$root/here" /here/ran
run_block "$root/here" "From the shell" 1
run_block "$root/here" "From the shell" 2
is "$(xargs <"$root/here/ran")" "report thumb get-token backup thumb" \
	"each of them ran once"

awk '/^```/ { inside = $0 == "```c"; next } inside' "$readme" \
	>"$root/here/report.c"
run_block "$root/here" "From C" 1
printf '#!/bin/sh\necho "42M /usr"\n' >"$root/here/du"
chmod +x "$root/here/du"
is "$("${inside[@]}" ./a.out)" "42M /usr" "what it built works"
is "$("${inside[@]}" pkg-config --cflags sfshm)" "" \
	"the compiler needs no folder named"
ok "it is removed again" "${inside[@]}" apt-get -q purge sfshm-tools \
	libsfshm-dev libsfshm0
is "$("${inside[@]}" find /usr -name '*sfshm*')" "" "... and leaves nothing"
done_testing
