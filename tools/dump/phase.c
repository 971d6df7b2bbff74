/* SPDX-License-Identifier: MIT */
#include "phase.h"

#include <string.h>

static const char *const names[] = {
	[SFSHM_PHASE_IDLE] = "idle",
	[SFSHM_PHASE_BUSY] = "busy",
	[SFSHM_PHASE_DONE] = "done",
	[SFSHM_PHASE_FAILED] = "failed",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

const char *phase_name(enum sfshm_phase phase)
{
	return (size_t)phase < NAMES ? names[phase] : NULL;
}

int phase_parse(const char *name)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		if (names[i] && strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}
