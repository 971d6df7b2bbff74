#!/bin/bash
# SPDX-License-Identifier: MIT
#
# There is nothing in the scripts that shellcheck warns of. One process looks at
# many of them, because its start takes as long as its look at one.
. "${0%/*}/../lib/tap.sh" || exit 1

cd "$SFSHM_SOURCE" || exit 1
files=()
while IFS= read -r file; do
	if [[ $file != *.sh ]]; then
		IFS= read -r line <"$file" || true
		[[ $line =~ ^#!.*[^[:alnum:]_](ba|da)?sh([^[:alnum:]_]|$) ]] ||
			continue
	fi
	files+=("$file")
done < <(find .ci src tests tools docs -type f | sort)

# It exits with 1 for what it finds, and with more if it cannot look.
status=0
printf '%s\0' "${files[@]}" | xargs -0 -n 50 sh -c \
	'shellcheck --format=gcc "$@"; [ $? -le 1 ]' sh >"$TMP/found" || status=$?
is "$status" 0 "shellcheck can look at ${#files[@]} scripts"
declare -A said
while IFS= read -r line; do
	said[${line%%:*}]+=$line$'\n'
done <"$TMP/found"
for file in "${files[@]}"; do
	is "${said[$file]-}" "" "$file"
done
done_testing
