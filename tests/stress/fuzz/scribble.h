/* SPDX-License-Identifier: MIT */
/*
 * The hand that scribbles in the stage's segment, between operations and
 * inside them, before any look that the library takes at it.
 *
 * It leaves a participant's mutex alone while a thread of this process holds
 * it, because the C library follows the pointers in it.
 */
#ifndef FUZZ_SCRIBBLE_H
#define FUZZ_SCRIBBLE_H

#include "input.h"

/* Now. */
void scribble(const struct input_step *step);

/* During the next operation, at its look number step->when. */
void scribble_later(const struct input_step *step);

/*
 * Come before and after an operation. The second makes all scribbles that were
 * to come inside the operation and did not.
 */
void scribble_watch(void);
void scribble_rest(void);

#endif
