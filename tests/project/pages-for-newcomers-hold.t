#!/bin/bash
# SPDX-License-Identifier: MIT
#
# In docs/coming-from every C block compiles on its own, as a user of the
# library would have it, and every shell block runs.
. "${0%/*}/../lib/tap.sh" || exit 1

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
	is "$(grep '^```' "$page" | sort -u | xargs)" \
		"$(grep -oxE '```(c|sh)?' "$page" | sort -u | xargs)" \
		"$name has no blocks that nobody tries"
done
is "$(wc -l <"$TMP/here/runs")" 4 "each command of the shell blocks ran"
done_testing
