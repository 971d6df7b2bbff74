/* SPDX-License-Identifier: MIT */
/* Operations on the stage's segment, chosen by an input. */
#ifndef FUZZ_USE_H
#define FUZZ_USE_H

#include "input.h"

/*
 * Operations and scribbles in order. Opens the segment before and closes all
 * after; what is still led or pinned then is left to the library.
 */
void use_steps(const struct input_step *steps, size_t count);

enum use_part {
	USE_VIEW = 1,
	USE_VERIFY = 2,
	USE_KEYS = 4,
	USE_FORGET = 8,
	USE_PURGE = 16,
	USE_RESIZE = 32,
};

/* The calls of the parts named, over all keys. */
void use_all(unsigned int parts);

#endif
