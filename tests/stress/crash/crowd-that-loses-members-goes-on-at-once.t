#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

crash --part crowd
is $? 0 "nobody who is left waits for the re-check"
is "$(rows)" 2 "... whether the leader dies or releases"
done_testing
