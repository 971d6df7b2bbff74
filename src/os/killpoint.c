/* SPDX-License-Identifier: MIT */
#include "os/killpoint.h"

#ifdef SFSHM_KILL_POINTS

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "os/atomics.h"

static int armed_point;
static int armed_count;
static int armed_signal;

static const char *const names[] = {
	[KILL_NOWHERE] = "nowhere",
#define KILL_POINT(name, help) [KILL_AT_##name] = #name,
#include "os/killpoint.def"
#undef KILL_POINT
};

void killpoint_arm(enum kill_point point, int count, int signal)
{
	store_relaxed(&armed_count, count);
	store_relaxed(&armed_signal, signal);
	store_release(&armed_point, (int)point);
}

void killpoint_pass(enum kill_point point)
{
	if (load_acquire(&armed_point) != (int)point)
		return;
	if (fetch_sub_acq_rel(&armed_count, 1) == 1)
		kill(getpid(), load_relaxed(&armed_signal));
}

const char *killpoint_name(enum kill_point point)
{
	return point < KILL_POINTS ? names[point] : "?";
}

enum kill_point killpoint_find(const char *name)
{
	for (int i = 0; i < KILL_POINTS; i++)
		if (!strcmp(names[i], name))
			return (enum kill_point)i;
	return KILL_NOWHERE;
}

#else
typedef int killpoint_nothing;
#endif
