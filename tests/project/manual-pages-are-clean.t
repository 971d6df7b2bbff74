#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1

cd "$SFSHM_SOURCE/docs/man" || exit 1
for page in *.[1-8]; do
	# Pages refer to each other before they are installed, and .so lines
	# are resolved where they will lie.
	grep -q '^\.so ' "$page" && continue
	ok "$page" mandoc -T lint -W error "$page"
done
done_testing
