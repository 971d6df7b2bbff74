#!/bin/bash
# SPDX-License-Identifier: MIT
#
# This test samples the states; tools/crashtest --full takes them all.
. "${0%/*}/../../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

crash --part steps
is $? 0 "nothing is stuck, nothing leaks"
ok "... in many operations" [ "$(rows)" -gt 40 ]
done_testing
