#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B4: the adapters work as PSR-16, Symfony's contracts and Laravel have
# it, with Debian's packages of these.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../bindings/php.sh"

segment
readarray -t shared < <(extension_arguments mbstring ctype iconv xml)
export ADAPTERS=$SFSHM_SOURCE/src/bindings/php/adapters

# adapter NAME PACKAGE FILE: its program finds nothing wrong
adapter()
{
	if [ -f "/usr/share/php/$3" ]; then
		exits 0 "$1: its program runs" php_run "${shared[@]}" \
			"$SFSHM_SOURCE/tests/bindings/php/$1.php"
		is "$(cat "$TMP/out")" "done" "$1: it finds nothing wrong"
	else
		skip "no package $2 here" "$1"
	fi
}

adapter psr16 php-psr-simple-cache Psr/SimpleCache/CacheInterface.php
adapter symfony php-symfony-cache-contracts \
	Symfony/Contracts/Cache/CacheInterface.php
adapter laravel php-illuminate-cache Illuminate/Cache/Repository.php
done_testing
