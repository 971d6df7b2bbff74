#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In docs/coming-from every C block compiles on its own, as a user of the
# library would have it, every shell block runs, and every program in PHP,
# Python or Ruby that asks twice for a price does the work once.
. "${0%/*}/../lib/tap.sh" || exit 1

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

# program INTERPRETER LANGUAGE PAGE N: what it prints, as one line
program()
{
	block "$2" "$3" "$4" | sed "s/\"shop\"/\"$segment\"/" >"$TMP/block"
	rm -f "$TMP/here/asked"
	"$TMP/bin/sfshm-ctl" purge >"$TMP/purged" 2>&1
	(cd "$TMP/here" && PATH=$TMP/bin:$PATH timeout 120 \
		"$1" "$TMP/block" 2>&1) | xargs
}

# misses PAGE N: prints a module that the Python program needs and does not find
misses()
{
	local module

	block python "$1" "$2" >"$TMP/block"
	[ -f "$SFSHM_BUILD/python/stamp" ] || echo "binding for Python"
	for module in django dogpile.cache; do
		grep -qE "^(from|import) $module\b" "$TMP/block" || continue
		"$python" -c "import $module" 2>/dev/null || echo "$module"
	done
}

# programs INTERPRETER LANGUAGE PAGE
programs()
{
	local blocks n missing='' name="${3##*/}: $2 block"

	blocks=$(grep -cx "\`\`\`$2" "$3")
	for ((n = 1; n <= blocks; n++)); do
		[ "$2" != python ] || missing=$(misses "$3" "$n" | head -n 1)
		if [ -n "$missing" ]; then
			skip "no $missing here" "$name $n does the work once"
		elif command -v "$1" >/dev/null; then
			is "$(program "$@" "$n")" "price 1 price 1" \
				"$name $n does the work once"
		else
			skip "no $1 here" "$name $n does the work once"
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
	programs php php "$page"
	programs "$python" python "$page"
	programs ruby ruby "$page"
	is "$(grep '^```' "$page" | sort -u | xargs)" \
		"$(grep -oxE '```(c|sh|php|python|ruby)?' "$page" |
			sort -u | xargs)" \
		"$name has no blocks that nobody tries"
done
is "$(wc -l <"$TMP/here/runs")" 4 "each command of the shell blocks ran"
done_testing
