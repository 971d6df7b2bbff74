#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy and cppcheck find nothing in the library.
. "${0%/*}/../lib/static.sh"

static_clean src
