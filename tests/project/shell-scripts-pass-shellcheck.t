#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

cd "$SFSHM_SOURCE" || exit 1
while IFS= read -r file; do
	case $file in
	*.sh) ;;
	*) head -n 1 "$file" | grep -Eqa '^#!.*\b(ba|da)?sh\b' || continue ;;
	esac
	ok "$file" shellcheck "$file"
done < <(find .ci src tests tools docs -type f | sort)
done_testing
