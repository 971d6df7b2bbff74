/* SPDX-License-Identifier: MIT */
/*
 * Included before all else in each of the library's files as fuzzed: what it
 * tries a million times before it calls a segment damaged, it tries less
 * often, for else most of the time would go there.
 */
#ifndef FUZZ_BOUNDS_H
#define FUZZ_BOUNDS_H

#include "sync/look.h"

#undef LOOK_MOST_TRIES
#define LOOK_MOST_TRIES 500

#endif
