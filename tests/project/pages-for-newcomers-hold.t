#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In docs/coming-from every C block compiles on its own, as a user of the
# library would have it, every shell block runs, and every program in PHP,
# Python, Ruby, Go or nginx's Lua that asks twice for a price does the work once.
# PHP has the extension of this build, and Debian's packages in place of
# Composer's.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/go/binding.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/lua/nginx.sh" || exit 1

# Python's programs are for the binding, where it is built.
python=/usr/bin/python3
export PYTHONPATH=$SFSHM_BUILD/python/site XDG_CACHE_HOME=$TMP

# block LANGUAGE FILE N: prints its Nth block of that language
block()
{
	awk -v start="\`\`\`$1" -v wanted="$3" '
		$0 == "```" { inside = 0 }
		inside { print }
		$0 == start { inside = ++n == wanted }' "$2"
}

# The shell blocks say nothing of segments, and do not share one either.
segment
mkdir "$TMP/bin" "$TMP/here"
for tool in sfshm-run sfshm-dump; do
	printf '#!/bin/sh\nexec %s -s %s "$@"\n' \
		"$SFSHM_BUILD/tools/$tool" "$segment" >"$TMP/bin/$tool"
done
cat >"$TMP/bin/sfshm-ctl" <<END
#!/bin/sh
what=\$1
shift
exec $SFSHM_BUILD/tools/sfshm-ctl "\$what" -s $segment "\$@"
END
printf '#!/bin/sh\necho report\n' >"$TMP/here/report"
printf '#!/bin/sh\necho run >>runs\n' >"$TMP/here/backup"
cat >"$TMP/here/price" <<'END'
#!/bin/sh
echo run >>asked
echo "price $(grep -c . asked)"
END
chmod +x "$TMP"/bin/* "$TMP"/here/*

extension=$SFSHM_BUILD/src/bindings/php/sfshm.so
packages=/usr/share/php
cat >"$TMP/bin/php-sfshm" <<END
#!/bin/sh
exec php -n -d extension=$extension -d sfshm.segment=$segment "\$@"
END
cat >"$TMP/bin/go-sfshm" <<END
#!/bin/bash
TMP=$TMP go_binding=$go_binding
$(declare -f go_program)
go_program "\$1" "$TMP/go-program" && exec "$TMP/go-program"
END
# The program is one request's.
cat >"$TMP/bin/nginx-sfshm" <<END
#!/bin/bash
TMP=$TMP lua_binding=$lua_binding lua_tests=$lua_tests lua_modules=$lua_modules
$(declare -f nginx_conf)
nginx_conf "$TMP/nginx.conf" 1
sed -i "s,require(\"pages\").answer(),dofile(\"\$1\")," "$TMP/nginx.conf"
"$nginx" -e "$TMP/nginx.log" -c "$TMP/nginx.conf" &
curl -s --retry 100 --retry-delay 1 --retry-all-errors --retry-max-time 60 \\
	--unix-socket "$TMP/socket" http://here/
kill \$! && wait \$!
END
chmod +x "$TMP/bin/php-sfshm" "$TMP/bin/go-sfshm" "$TMP/bin/nginx-sfshm"
mkdir "$TMP/here/vendor"
cat >"$TMP/here/vendor/autoload.php" <<END
<?php
spl_autoload_register(function (string \$class) {
    \$file = '$SFSHM_SOURCE/src/bindings/php/adapters/'
        . strtr(substr(\$class, strlen('Sfshm/')), '\\\\', '/') . '.php';
    if (str_starts_with(\$class, 'Sfshm') && is_file(\$file))
        require_once \$file;
});
foreach (['Illuminate', 'Symfony/Contracts'] as \$package)
    if (is_file("$packages/\$package/Cache/autoload.php"))
        require_once "$packages/\$package/Cache/autoload.php";
END

# Why the program in $TMP/block cannot be tried here; nothing: it can.
missing()
{
	if ! command -v "${1%%-*}" >/dev/null; then
		echo "no ${1%%-*} here"
	elif [ "$1" = go-sfshm ]; then
		no_go
	elif [ "$1" = nginx-sfshm ]; then
		no_nginx
	elif [ "$1" = php-sfshm ] && [ ! -f "$extension" ]; then
		echo "the PHP extension is not built (package php-dev)"
	elif grep -q Symfony "$TMP/block" &&
		[ ! -d "$packages/Symfony/Contracts/Cache" ]; then
		echo "no package php-symfony-cache-contracts here"
	elif grep -q Laravel "$TMP/block" &&
		[ ! -d "$packages/Illuminate/Cache" ]; then
		echo "no package php-illuminate-cache here"
	elif [ "$1" = "$python" ]; then
		misses
	fi
}

# What the program in Python needs and does not find.
misses()
{
	local module

	[ -f "$SFSHM_BUILD/python/stamp" ] ||
		echo "the binding for Python is not built"
	for module in django dogpile.cache; do
		grep -qE "^(from|import) $module\b" "$TMP/block" || continue
		"$python" -c "import $module" 2>/dev/null ||
			echo "no $module here"
	done
}

runs_block()
{
	block sh "$1" "$2" >"$TMP/block.sh"
	(cd "$TMP/here" && PATH=$TMP/bin:$PATH timeout 120 \
		bash -eu "$TMP/block.sh")
}

compiles_block()
{
	block c "$1" "$2" >"$TMP/block.c"
	gcc -std=gnu11 -Wall -Wextra -Werror -I"$SFSHM_SOURCE/include" \
		-fsyntax-only "$TMP/block.c"
}

# program INTERPRETER: what the program in $TMP/block prints, as one line
program()
{
	rm -f "$TMP/here/asked"
	"$TMP/bin/sfshm-ctl" purge >"$TMP/purged" 2>&1
	(cd "$TMP/here" && PATH=$TMP/bin:$PATH timeout 120 \
		"$1" "$TMP/block" 2>&1) | xargs
}

# programs INTERPRETER LANGUAGE PAGE
programs()
{
	local blocks n why name="${3##*/}: $2 block"

	blocks=$(grep -cx "\`\`\`$2" "$3")
	for ((n = 1; n <= blocks; n++)); do
		block "$2" "$3" "$n" | sed "s/\"shop\"/\"$segment\"/" \
			>"$TMP/block"
		why=$(missing "$1")
		if [ -n "$why" ]; then
			skip "$why" "$name $n does the work once"
		else
			is "$(program "$1")" "price 1 price 1" \
				"$name $n does the work once"
		fi
	done
}

pages=("$SFSHM_SOURCE"/docs/coming-from/*.md)
for page in "${pages[@]}"; do
	name=${page##*/}
	blocks=$(grep -cx '```c' "$page")
	ok "$name has C" [ "$blocks" -gt 0 ]
	for ((n = 1; n <= blocks; n++)); do
		ok "$name: C block $n compiles" compiles_block "$page" "$n"
	done
	blocks=$(grep -cx '```sh' "$page")
	for ((n = 1; n <= blocks; n++)); do
		ok "$name: shell block $n runs" runs_block "$page" "$n"
	done
	programs php-sfshm php "$page"
	programs "$python" python "$page"
	programs ruby ruby "$page"
	programs go-sfshm go "$page"
	programs nginx-sfshm lua "$page"
	is "$(grep '^```' "$page" | sort -u | xargs)" \
		"$(grep -oxE '```(c|sh|php|python|ruby|go|lua)?' "$page" |
			sort -u | xargs)" \
		"$name has no blocks that nobody tries"
done
is "$(wc -l <"$TMP/here/runs")" 4 "each command of the shell blocks ran"
done_testing
