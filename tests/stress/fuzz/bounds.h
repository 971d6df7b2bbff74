/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else in each of the library's files as fuzzed. A
 * loop that tries a million times before the library calls a segment damaged
 * tries less often, because it would take most of the time.
 */
#ifndef FUZZ_BOUNDS_H
#define FUZZ_BOUNDS_H

#include "sync/look.h"

#undef LOOK_MOST_TRIES
#define LOOK_MOST_TRIES 500

#endif
