/* SPDX-License-Identifier: MIT */
/* Locks that an input takes and gives back, each in its own thread. */
#ifndef FUZZ_HOLD_H
#define FUZZ_HOLD_H

#include <stdbool.h>

#include "input.h"

struct sfshm;

void hold_lock(struct sfshm *handle, const struct input_step *s);
void hold_unlock(const struct input_step *s);

/* Gives back what is held; or forgets it, for the library to give back. */
void hold_end(bool give_back);

#endif
