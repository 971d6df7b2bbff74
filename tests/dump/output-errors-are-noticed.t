#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

segment output
publish report

[ -w /dev/full ] || skip_all "no /dev/full here"
for arguments in "" "-s $segment" "-s $segment --json" \
	"-s $segment --watch" "--help"; do
	# shellcheck disable=SC2086 # they are words
	timeout 120 sfshm-dump $arguments >/dev/full 2>"$TMP/err"
	is $? 1 "sfshm-dump $arguments: exit status 1 when the disk is full"
	like "$(<"$TMP/err")" 'cannot write the output: No space left' \
		"and it says why"
done

done_testing
