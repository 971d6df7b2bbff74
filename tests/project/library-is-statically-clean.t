#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy and cppcheck find nothing in the library. The bindings are made of
# the macros of their languages.
. "${0%/*}/../lib/static.sh"

static_clean src/os src/segment src/peer src/store src/sync src/top
