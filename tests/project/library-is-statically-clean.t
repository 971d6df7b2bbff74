#!/bin/bash
# SPDX-License-Identifier: MIT
#
# clang-tidy and cppcheck find nothing in the library. The binding for PHP is
# left out, because it is made of PHP's macros.
. "${0%/*}/../lib/static.sh"

static_clean src/os src/segment src/peer src/store src/sync src/top \
	src/bindings/python
