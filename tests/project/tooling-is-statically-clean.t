#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy and cppcheck find nothing in the tools and the examples.
. "${0%/*}/../lib/static.sh"

static_clean tools docs/examples
