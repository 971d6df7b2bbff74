# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests that let clang-tidy and cppcheck look at a part of the tree.
# One test per part, each on one core: prove runs them side by side. What the
# two find differs from version to version, so the version is fixed.
. "${BASH_SOURCE[0]%/*}/tap.sh"

static_tools()
{
	tidy=$(command -v clang-tidy-14 || command -v clang-tidy) ||
		skip_all "no clang-tidy here"
	[[ $($tidy --version) =~ version\ 14\. ]] ||
		skip_all "clang-tidy is not version 14"
	[[ $(cppcheck --version 2>&1) =~ \ 2\.10 ]] ||
		skip_all "cppcheck is not there, or not version 2.10"
}

# static_commands FOLDER...: prints one compile command for each file, the
# build's last one; for a file of the library that is the one with the kill
# points.
static_commands()
{
	python3 - "$SFSHM_BUILD/compile_commands.json" "$@" <<-'END'
	import json, sys
	folders = tuple(sys.argv[2:])
	files = {}
	for entry in json.load(open(sys.argv[1])):
	    name = entry["file"]
	    # Leave out the explorer's build, which redefines libc's calls.
	    if name in files and "explore/redirect.h" in entry["command"]:
	        continue
	    if name.startswith(folders):
	        files[name] = entry
	json.dump(list(files.values()), sys.stdout, indent=0)
	END
}

# static_clean FOLDER...: tests that the two find nothing in the C files there
static_clean()
{
	local file compiled

	static_tools
	cd "$SFSHM_SOURCE" || exit 1
	static_commands "${@/#/$SFSHM_SOURCE/}" >"$TMP/compile_commands.json"
	ok "cppcheck finds nothing in $*" cppcheck --quiet --error-exitcode=1 \
		--project="$TMP/compile_commands.json" --template=gcc \
		--enable=warning,style,performance,portability \
		--library=posix,gnu -D__x86_64__ -D__linux__ -D__GNUC__=12 \
		--suppressions-list=tests/project/cppcheck-suppressions.txt
	while IFS= read -r file; do
		compiled=(-p "$TMP")
		# Another configuration builds this file.
		grep -qF "\"$PWD/$file\"" "$TMP/compile_commands.json" ||
			compiled=(-- -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc
				-Itools -Itests -Itests/lib)
		# pip builds this one.
		[[ $file != src/bindings/python/* ]] ||
			compiled+=("-I$(/usr/bin/python3 -c \
				'import sysconfig; print(sysconfig.get_path("include"))')")
		ok "clang-tidy finds nothing in $file" \
			"$tidy" --quiet "$file" "${compiled[@]}"
	done < <(find "$@" -name '*.c' | sort)
	done_testing
}
