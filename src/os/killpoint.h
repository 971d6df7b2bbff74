/* SPDX-License-Identifier: MIT */
/*
 * Kill points: named places at which a test makes the process die or stop.
 * Without SFSHM_KILL_POINTS they compile to nothing.
 */
#ifndef OS_KILLPOINT_H
#define OS_KILLPOINT_H

enum kill_point {
	KILL_NOWHERE,
#define KILL_POINT(name, help) KILL_AT_##name,
#include "os/killpoint.def"
#undef KILL_POINT
	KILL_POINTS,
};

#ifdef SFSHM_KILL_POINTS
/*
 * The thread that passes `point` for the `count`th time, counted over all
 * threads from this call on, sends `signal` to its process: SIGKILL kills the
 * process there, SIGSTOP stops it.
 */
void killpoint_arm(enum kill_point point, int count, int signal);
void killpoint_pass(enum kill_point point);
const char *killpoint_name(enum kill_point point);
enum kill_point killpoint_find(const char *name);
#define kill_point(name) killpoint_pass(KILL_AT_##name)
#else
#define kill_point(name) ((void)0)
#endif

#endif
