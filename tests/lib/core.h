/* SPDX-License-Identifier: MIT */
/* Agents that dump core, into a folder that the test's end removes. */
#ifndef LIB_CORE_H
#define LIB_CORE_H

#include "agent.h"
#include "testing.h"

/* Returns why no core can be had here, or NULL. Makes the folder. */
const char *core_impossible(void);

/* Makes the agent large, and lets it write a core. */
void core_prepare(struct agent *a, int mebibytes);

/* Whether the agent's core is being written at this moment. */
bool core_is_written(struct agent *a);

/* Waits for the core's end; fails the test if there is none. */
void core_done(struct agent *a);

/* Removes the folder. */
void core_end(void);

#endif
