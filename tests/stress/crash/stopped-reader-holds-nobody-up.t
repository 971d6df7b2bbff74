#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The harness stops the reader at every 7th instruction of a look-up;
# tools/crashtest --full takes all instructions.
. "${0%/*}/../../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

crash --part reader
is $? 0 "the others go on, and what it reads is right"
ok "... in many look-ups" [ "$(rows)" -gt 7 ]
done_testing
