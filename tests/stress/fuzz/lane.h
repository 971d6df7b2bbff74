/* SPDX-License-Identifier: MIT */
/* A second thread that does operations while the first one waits. */
#ifndef FUZZ_LANE_H
#define FUZZ_LANE_H

#include <stdbool.h>

#include "input.h"

/* Starts the thread if need be; returns when the operation is done. */
void lane_run(void (*operation)(const struct input_step *s),
	      const struct input_step *s);

/* Ends the thread, if there is one. */
void lane_end(void);

bool lane_is_second(void);

#endif
