#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy and cppcheck find nothing in the tests.
. "${0%/*}/../lib/static.sh"

static_clean tests
