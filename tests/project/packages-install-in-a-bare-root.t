#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/package makes packages that lintian finds nothing wrong with, the same
# bytes wherever the tree lies. apt installs them, by the README's command, into
# a root that has only what they depend on, and the README's examples work there.
# The root is a copy of this system's own packages, so that apt needs no network.
. "${0%/*}/../lib/readme.sh" || exit 1

[ "$(id -u)" -eq 0 ] || skip_all "only root makes a root"
command -v dpkg-query lintian >/dev/null || skip_all "no Debian, or no lintian"
unshare -m true 2>/dev/null || skip_all "there are no mount namespaces to be had"

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
names=$(sed -n 's/^Package: //p' tools/packaging/debian/control | sort)
is "$(basename -a "$packages"/*.deb | sed 's/_.*//' | sort)" "$names" \
	"... and all of them are there"
# The project has no mail address that it could name.
exits 0 "lintian warns of nothing" lintian --no-cfg --allow-root \
	--fail-on error,warning --suppress-tags \
	bogus-mail-host,bogus-mail-host-in-debian-changelog "$packages"/*.deb
is "$(cat "$TMP/out")" "" "... and says nothing"

# It has a compiler for the README's example.
root=$TMP/root
status=0
"$SFSHM_SOURCE/tests/lib/bare-root" "$root" "$packages"/*.deb -- \
	gcc libc6-dev pkg-config php-cli >"$TMP/out" 2>&1 || status=$?
if [ $status -eq 77 ]; then
	skip "$(cat "$TMP/out")" "the packages are installed"
	done_testing
fi
is "$status $(cat "$TMP/out")" "0 " "there is a root"
[ "$status" -eq 0 ] || done_testing
mkdir -p "$root/here"
cp -r "$clone/build" "$root/here/build"
printf '%s\n' 'APT::Get::Assume-Yes "true"; APT::Sandbox::User "root";' \
	>"$root/here/apt.conf"

# A /proc and a /dev/shm that last as long as the process which has them.
spawn unshare -m bash -c "mount -t proc none $root/proc &&
	mount --bind /dev $root/dev && mount -t tmpfs none $root/dev/shm &&
	touch $TMP/apart && exec sleep 1000"
apart=$!
wait_until eval "[ -e $TMP/apart ] || ! kill -0 $apart"
[ -e "$TMP/apart" ] || {
	skip "nothing can be mounted here" "the packages are installed"
	done_testing
}
inside=(nsenter -t "$apart" -m chroot "$root" env -C /here
	DEBIAN_FRONTEND=noninteractive APT_CONFIG=/here/apt.conf
	PATH=/here:/usr/sbin:/usr/bin:/sbin:/bin)
before=$(find "$root/usr" "$root/etc" | sort)
exits 0 "$(block Install 1 | tail -n 1)" "${inside[@]}" \
	bash -c "$(block Install 1 | tail -n 1)"
cat "$TMP/out" "$TMP/err" >"$TMP/said"
is "$(grep -c ldconfig "$TMP/said"; "${inside[@]}" ldconfig -p |
	grep -c 'libsfshm\.so\.0')" $'0\n1' "the loader finds the library"
for file in lib/tmpfiles.d/sfshm.conf include/sfshm.ffi.h \
	share/man/man1/sfshm-top.1.gz share/man/man3/sfshm_publish.3.gz \
	share/bash-completion/completions/sfshm-top \
	share/fish/vendor_completions.d/sfshm-top.fish \
	share/zsh/vendor-completions/_sfshm share/php/Sfshm/Psr16/Cache.php; do
	ok "there is /usr/$file" test -e "$root/usr/$file"
done

stand_ins "$root/here" /here/ran
run_block "$root/here" "From the shell" 1
run_block "$root/here" "From the shell" 2
is "$(xargs <"$root/here/ran")" "report thumb get-token backup thumb" \
	"each of them ran once"
for tool in dump top ctl; do
	exits 0 "sfshm-$tool runs" "${inside[@]}" "sfshm-$tool" --version
done
exits 125 "sfshm-run loads libsfshm-redis" "${inside[@]}" sfshm-run -k x \
	--fleet http://x -- true
like "$(cat "$TMP/err")" "the fleet's URL is not of the form" \
	"... which reads the URL"

awk '/^```/ { inside = $0 == "```c"; next } inside' "$readme" \
	>"$root/here/report.c"
run_block "$root/here" "From C" 1
printf '#!/bin/sh\necho "42M /usr"\n' >"$root/here/du"
chmod +x "$root/here/du"
is "$("${inside[@]}" ./a.out)" "42M /usr" "what it built works"
is "$("${inside[@]}" pkg-config --cflags sfshm sfshm-redis)" "" \
	"the compiler needs no folder named"
is "$("${inside[@]}" python3 -c 'import sfshm
cache = sfshm.Cache("shop", ttl=60)
print(*(cache.get_or_create("front", lambda: page) for page in "ab"))')" "a a" \
	"Python's binding works"
# shellcheck disable=SC2016
is "$("${inside[@]}" php -r 'foreach (["a", "b"] as $page)
	echo (new Sfshm\Cache)->get("page", fn($item) => $page);')" "aa" \
	"PHP's extension works"

# shellcheck disable=SC2086
exits 0 "they are removed again" "${inside[@]}" apt-get -q purge $names
is "$(find "$root/usr" "$root/etc" | sort |
	diff - <(printf '%s\n' "$before"))" "" "... and leave nothing"
done_testing
