#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3, PROMISE-B4: a build of a binding that misses the headers of its
# language, or the library, says what to install; one with sanitizers says that
# it does not go with them.
. "${0%/*}/../lib/tap.sh" || exit 1

bindings=$SFSHM_SOURCE/src/bindings
cmake=$(command -v cmake)

# php_build OPTION...: the extension's part of the build; no program is in PATH
php_build()
{
	PATH=$TMP "$cmake" "$@" -P "$bindings/php/CMakeLists.txt"
}

# php_config NUMBER: a php-config of that PHP
php_config()
{
	printf '#!/bin/sh\necho %s\n' "$1" >"$TMP/config"
	chmod +x "$TMP/config"
}

# said DESCRIPTION REGEX: in what CMake has printed, without its line breaks
said()
{
	like "$(cat "$TMP/out" "$TMP/err" | xargs)" "$2" "$1"
}

exits 1 "SFSHM_PHP without php-config ends the build" php_build -DSFSHM_PHP=ON
said "... and names the package" "install php-dev"
exits 0 "tests without php-config go on" php_build
said "... and say what is left out" "is not built: .*install php-dev"
php_config 80030
exits 1 "a PHP that is too old ends the build" \
	php_build -DSFSHM_PHP=ON -DPHP_CONFIG="$TMP/config"
said "... with its reason" "a PHP before 8.1"
php_config 80200
exits 1 "SFSHM_PHP with sanitizers ends the build" php_build -DSFSHM_PHP=ON \
	-DPHP_CONFIG="$TMP/config" -DSFSHM_SANITIZE=address
said "... with its reason" "clear SFSHM_SANITIZE"

[ -f "$SFSHM_BUILD/python/stamp" ] || {
	skip "the Python binding is not built" "setup.py"
	done_testing
}
cd "$bindings/python" || exit 1
export PYTHONDONTWRITEBYTECODE=1
exits 1 "setup.py without Python's headers ends" /usr/bin/python3 -c '
import runpy, sysconfig
sysconfig.get_path = lambda name: "/none"
runpy.run_path("setup.py")'
like "$(cat "$TMP/err")" "install the package python3-dev" \
	"... and names the package"
exits 1 "setup.py without the library ends" env PKG_CONFIG_LIBDIR="$TMP" \
	PKG_CONFIG_PATH= /usr/bin/python3 setup.py --version
like "$(cat "$TMP/err")" "install it first" "... and says what to do"
done_testing
