#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The library's functions, the public structs and the public constants are those
# that are recorded here: library.abi (by abidw) and constants. With --record
# both are written anew; docs/abi.md says which changes are allowed.
. "${0%/*}/../lib/tap.sh" || exit 1

recorded=$SFSHM_SOURCE/tests/abi
headers=$SFSHM_SOURCE/include
library=$SFSHM_BUILD/src/libsfshm.so
refresh="tests/abi/library-keeps-its-abi.t --record"

command -v abidw >/dev/null || skip_all "no abidw here (package abigail-tools)"
[ "$(uname -m)" = x86_64 ] || skip_all "the record is x86-64's"
readelf -S "$library" | grep -q '\.debug_info' ||
	skip_all "this build has no debug information"

# Types in private headers, and places in files, are no part of the ABI.
dump()
{
	abidw --headers-dir "$headers" --drop-private-types \
		--drop-undefined-syms --exported-interfaces-only \
		--no-architecture --no-comp-dir-path --no-corpus-path \
		--no-elf-needed --no-parameter-names --no-show-locs \
		--type-id-style hash "$library" |
		sed "s/ path='[^']*'/ path='libsfshm'/"
}

# The enumerators of the headers, and the macros that stand for a number.
names()
{
	cat "$headers"/sfshm/*.h | perl -0777 -ne '
		s{/\*.*?\*/}{}gs;
		while (/^enum \w+ \{(.*?)^\}/msg) {
			my $body = $1;
			print "$_\n" for $body =~ /\b(SFSHM_\w+)(?= *[=,])/g;
		}
		print "$_\n" for /^#define (SFSHM_\w+) \w+$/mg;' |
		grep -v '^SFSHM_VERSION'
}

# NAME VALUE, a line each
constants()
{
	{
		echo '#include <stdio.h>'
		echo '#include <sfshm.h>'
		echo 'int main(void) {'
		names | sed 's/.*/printf("& %lld\\n", (long long)&);/'
		echo '}'
	} >"$TMP/constants.c"
	gcc -I"$headers" -o "$TMP/constants" "$TMP/constants.c" &&
		"$TMP/constants" | sort
}

if [ "${1:-}" = --record ]; then
	dump >"$recorded/library.abi"
	constants >"$recorded/constants"
fi

dump >"$TMP/abi"
abidiff "$recorded/library.abi" "$TMP/abi" >"$TMP/changes" 2>&1
is $? 0 "functions and structs are the recorded ones"
constants >"$TMP/values"
diff -u "$recorded/constants" "$TMP/values" >>"$TMP/changes"
is $? 0 "constants are the recorded ones"
if [ -s "$TMP/changes" ] && [ "$tap_failed" -gt 0 ]; then
	diag "$(cat "$TMP/changes")"
	diag "If docs/abi.md allows this change, record it with"
	diag "    $refresh"
fi
done_testing
