# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The commands in README.md's indented blocks, for the tests that run them.
. "${BASH_SOURCE[0]%/*}/tap.sh"

readme=$SFSHM_SOURCE/README.md

# What a clone would have: copy_tree FOLDER copies the tree without its builds.
copy_tree()
{
	mkdir -p "$1"
	(
		cd "$SFSHM_SOURCE" || exit
		git ls-files -z --cached --others --exclude-standard \
			2>/dev/null ||
			find . -path ./build -prune -o -type f -print0
	) | tar -c -C "$SFSHM_SOURCE" --ignore-failed-read --null \
		--files-from=- 2>/dev/null | tar -x -C "$1"
}

# block SECTION N: prints the Nth indented block of "## SECTION"
block()
{
	awk -v section="$1" -v wanted="$2" '
		/^```/ { fenced = !fenced }
		/^## / { now = substr($0, 4); n = 0 }
		/^$/ { next }
		fenced || !/^    / { inside = 0; next }
		!inside { inside = 1; n++ }
		now == section && n == wanted { print substr($0, 5) }
	' "$readme"
}

# run_block WHERE SECTION N: runs the block's commands in the folder WHERE, one
# after the other, each behind the words in the array `inside`
inside=()
run_block()
{
	local command n=0

	cd "$1" || exit
	while IFS= read -r command; do
		[[ $command != "#"* && $command != ./tools/check* ]] || continue
		exits 0 "$command" "${inside[@]}" bash -c "$command"
		cat "$TMP/out" "$TMP/err" >>"$TMP/said"
		n=$((n + 1))
	done < <(block "$2" "$3")
	ok "block $3 of \"$2\" has commands" [ $n -gt 0 ]
}

# stand_ins FOLDER FILE: makes what the blocks of "From the shell" name; each
# command writes its name to FILE
stand_ins()
{
	local command

	touch "$1/a.jpg" "$1/b.jpg"
	for command in report thumb get-token backup; do
		printf '#!/bin/sh\necho %s >>%q\n' $command "$2" >"$1/$command"
		chmod +x "$1/$command"
	done
}
