#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B3, PROMISE-B4, PROMISE-B5, PROMISE-B6: the bindings have the library's
# version. They are not compiled against an older header, and not loaded with an
# older library; with a later one of the same major version they are. Each
# message says what to do.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/go/binding.sh" || exit 1

bindings=$SFSHM_SOURCE/src/bindings
version=$(sed -n 's/^#define SFSHM_VERSION "\(.*\)"/\1/p' \
	"$SFSHM_SOURCE/include/sfshm/version.h")
is "$(sed -n 's/^version = "\(.*\)"/\1/p' "$bindings/python/pyproject.toml"
	sed -n 's/^__version__ = "\(.*\)"/\1/p' \
		"$bindings/python/package/sfshm/__init__.py"
	sed -n 's/^#define PHP_SFSHM_VERSION "\(.*\)"/\1/p' \
		"$bindings/php/php_sfshm.h"
	sed -n 's/^local VERSION = "\(.*\)"/\1/p' \
		"$bindings/lua/lib/resty/sfshm/libsfshm.lua")" "$version
$version
$version
$version" "the bindings have the library's version"

mkdir -p "$TMP/older" "$TMP/empty"
cp -r "$SFSHM_SOURCE/include/." "$TMP/older"
sed -i 's/^\(#define SFSHM_VERSION_MINOR\) .*/\1 0/' "$TMP/older/sfshm/version.h"
# The languages' own headers have no say in this.
for header in Python.h structmember.h php.h zend_smart_str.h; do
	: >"$TMP/empty/$header"
done

# preprocess INCLUDES HEADER
preprocess()
{
	gcc -E -I"$TMP/empty" -I"$1" -o /dev/null "$bindings/$2"
}

# library VERSION: the library, but it says that it has that version. The loader
# takes it for the real one, since it has its soname.
library()
{
	perl -0777 -pe 'BEGIN { ($is, $says) = splice @ARGV, 0, 2 }
		s/\Q$is\E\0/pack "a" . (1 + length $is), $says/ge' \
		"$version" "$1" "$SFSHM_BUILD/src/libsfshm.so" >"$TMP/$1.so"
}

# fits NAME WHAT COMMAND...: it prints the library's version, or what is wrong
fits()
{
	local name=$1 what=$2 number said
	shift 2
	for number in 0.0.9 1.0.0; do
		said=$(LD_PRELOAD=$TMP/$number.so "$@" 2>&1)
		like "$said" "built for libsfshm $version, and the system has \
$number: install the former, or (build|copy) the $what anew" \
			"$name refuses a library of $number"
	done
	is "$(LD_PRELOAD=$TMP/$later.so "$@" 2>&1)" "$later" \
		"$name takes a library of $later"
}

for header in python/core/core.h php/php_sfshm.h go/shim.h; do
	exits 0 "$header takes this version" \
		preprocess "$SFSHM_SOURCE/include" "$header"
	exits 1 "$header refuses an older one" preprocess "$TMP/older" "$header"
	like "$(cat "$TMP/err")" "needs the headers of sfshm 0.1" \
		"... and says which it needs"
done

later=${version%%.*}.$(($(cut -d. -f2 <<<"$version") + 1)).0
for number in 0.0.9 1.0.0 "$later"; do
	library "$number"
done

export PYTHONPATH=$SFSHM_BUILD/python/site PYTHONDONTWRITEBYTECODE=1
if [ -f "$SFSHM_BUILD/python/stamp" ]; then
	fits Python package /usr/bin/python3 -c \
		"import sfshm; print(sfshm.version())"
else
	skip "the Python binding is not built" "Python"
fi

extension=$SFSHM_BUILD/src/bindings/php/sfshm.so
php_version()
{
	php -n -d extension="$extension" --ri sfshm |
		sed -n 's/^library version => //p; /built for/p'
}
if command -v php >/dev/null && [ -f "$extension" ]; then
	fits PHP extension php_version
else
	skip "the PHP extension is not built" "PHP"
fi

cat >"$TMP/version.go" <<END_OF_FILE
package main

import (
	"fmt"
	"strings"
	"sfshm"
)

func main() {
	if _, err := sfshm.Open("/none/none", sfshm.Existing()); err != nil {
		if why := err.(*sfshm.OpenError).Why; strings.Contains(why, "built for") {
			fmt.Println(why)
			return
		}
	}
	fmt.Println(sfshm.Version())
}
END_OF_FILE
if [ -z "$(no_go)" ]; then
	ok "a program in Go is built" go_program "$TMP/version.go" "$TMP/go-version"
	fits Go program "$TMP/go-version"
else
	skip "$(no_go)" "Go"
fi

if command -v luajit >/dev/null; then
	export LD_LIBRARY_PATH=$SFSHM_BUILD/src
	export LUA_PATH="$bindings/lua/lib/?.lua;;"
	fits "nginx's Lua" binding luajit -e \
		'print(require("resty.sfshm.libsfshm").found)'
else
	skip "no luajit here (package luajit2)" "nginx's Lua"
fi
done_testing
