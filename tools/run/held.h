/* SPDX-License-Identifier: MIT */
/*
 * The keys, locks and permits of the calls that a command runs under. Each call
 * hands its own down in the environment variable SFSHM_RUN_HELD, so that a
 * command which asks for one of them is not left to wait for itself.
 */
#ifndef RUN_HELD_H
#define RUN_HELD_H

#include <stdbool.h>
#include <sys/types.h>

#include "invocation.h"

/* Whether this call runs under another one. */
bool held_is_nested(void);

/*
 * How many of the calls that this one runs under have its key, its lock or one
 * of its semaphore's permits; *pid is the last one's process. Calls whose
 * process has ended do not count.
 */
unsigned held_above(const struct invocation *inv, pid_t *pid);

/* Adds this call's own for the command. Returns 0 or errno. */
int held_add(const struct invocation *inv);

#endif
