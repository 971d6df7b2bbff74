#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

crash --part double
is $? 0 "nothing is stuck, nothing leaks"
ok "... after several first deaths" [ "$(rows)" -gt 5 ]
done_testing
