#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The top folder has the entries that are listed here, and no others.
. "${0%/*}/../lib/tap.sh" || exit 1

cd "$SFSHM_SOURCE" || exit 1
if git rev-parse --show-toplevel 2>/dev/null | grep -qx "$PWD"; then
	entries=$(git ls-files --cached --others --exclude-standard |
		cut -d/ -f1 | sort -u)
else
	entries=$(find . -mindepth 1 -maxdepth 1 ! -name build -printf '%P\n')
fi
wanted="CMakeLists.txt CMakePresets.json LICENSE README.md docs include src
	tests tools"
# shellcheck disable=SC2086
is "$(grep -v '^\.' <<<"$entries" | sort | xargs)" "$(xargs <<<"$wanted")" \
	"only the fixed entries are there, and all of them"
done_testing
