#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: phpize builds the extension from its folder alone, by pkg-config,
# and it works.
. "${0%/*}/../lib/tap.sh" || exit 1

command -v phpize >/dev/null || skip_all "no phpize here (package php-dev)"
segment
cp -r "$SFSHM_SOURCE/src/bindings/php" "$TMP/php"
cd "$TMP/php" || exit 1
# What the installed one says, of this build.
cat >"$TMP/sfshm.pc" <<END_OF_FILE
Name: sfshm
Description: this build
Version: 0.1.0
Cflags: -I$SFSHM_SOURCE/include
Libs: -L$SFSHM_BUILD/src -lsfshm -Wl,-rpath,$SFSHM_BUILD/src
END_OF_FILE
export PKG_CONFIG_PATH=$TMP
ok "phpize" phpize
ok "configure" ./configure
ok "make" make
# shellcheck disable=SC2016
exits 0 "a script runs" php -n -d extension="$PWD/modules/sfshm.so" \
	-d sfshm.segment="$segment" -r '$c = new Sfshm\Cache;
	foreach (["once", "twice"] as $made)
		echo $c->get("key", fn() => $made), "\n";'
is "$(cat "$TMP/out")" "once
once" "the work is done once"
done_testing
