#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B1: Python's cffi, PHP's FFI, LuaJIT and koffi for Node.js read
# sfshm.ffi.h, and make a round trip with it in one segment: begin, publish,
# get. The programs are those of docs/bindings.md.
. "${0%/*}/../lib/tap.sh" || exit 1

page=$SFSHM_SOURCE/docs/bindings.md
header=$SFSHM_BUILD/src/sfshm.ffi.h
export LD_LIBRARY_PATH=$SFSHM_BUILD/src
segment
cd "$TMP" || exit 1

# program LANGUAGE: writes the page's program, for this build and this segment
program()
{
	awk -v start="\`\`\`$1" '
		$0 == "```" { inside = 0 }
		inside { print }
		$0 == start { inside = 1 }' "$page" |
		sed "s|/usr/include/sfshm.ffi.h|$header|
			s|\"example\"|\"$segment\"|" >"program.$1"
}

# round_trip LANGUAGE COMMAND...
round_trip()
{
	local language=$1
	shift
	program "$language"
	is "$(grep -cF "$header" "program.$language")" 1 \
		"$language: there is a program that reads the header"
	exits 0 "$language: it runs" timeout 120 "$@" "program.$language"
	is "$(cat out)" "made once
made once
made once" "$language: it leads, publishes, and gets what it published"
	is "$(sfshm-dump -s "$segment" | grep -c "\\<$language\\>")" 1 \
		"$language: its key is in the segment"
}

# Prints what a worker's next call for a key returns, after a PHP request has
# called exit() in the work for that key. A function that is registered at the
# end of a request runs last.
exit_in_work()
{
	sed 's/"php"/"exit"/; s/"made once"/exit(0)/' program.php >exit.php
	cat >last.php <<'END'
<?php
register_shutdown_function(fn() => register_shutdown_function(function () {
	global $lib, $segment, $policy;
	echo $lib->sfshm_begin($segment, "exit", 4, FFI::addr($policy),
		FFI::addr($lib->new("struct sfshm_flight")),
		$lib->sfshm_result_new()), "\n";
}));
END
	timeout 120 php -d ffi.enable=1 -d auto_prepend_file="$PWD/last.php" \
		exit.php
}

# The first of some interpreters that has cffi.
python()
{
	local it

	for it in python3 /usr/bin/python3; do
		if "$it" -c 'import cffi'; then
			echo "$it"
			return
		fi
	done 2>/dev/null
}

# koffi, where the registry can be reached.
koffi()
{
	npm_config_cache=$TMP/npm timeout 120 npm install --prefix "$TMP" \
		--no-audit --no-fund --ignore-scripts koffi@2 &&
		node -e 'require("koffi")'
}

is "$(grep -c '^#' "$header")" 0 "the header has no line for a preprocessor"
if [ -n "$(python)" ]; then
	round_trip python "$(python)"
else
	skip "no cffi here (package python3-cffi)" "python"
fi
if php -r 'exit(extension_loaded("FFI") ? 0 : 1);' 2>/dev/null; then
	round_trip php php -d ffi.enable=1
	is "$(exit_in_work)" 2 "php: a request that exits leads nothing more"
else
	skip "no PHP with FFI here (package php-cli)" "php"
fi
if command -v luajit >/dev/null; then
	round_trip lua luajit
else
	skip "no luajit here (package luajit2)" "lua"
fi
if ! command -v npm >/dev/null; then
	skip "no npm here, which would install koffi" "js"
elif koffi >npm.log 2>&1; then
	round_trip js node
else
	diag "$(tail -n 5 npm.log)"
	skip "npm cannot install koffi: no registry in reach?" "js"
fi
done_testing
