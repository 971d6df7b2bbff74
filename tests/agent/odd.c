/* SPDX-License-Identifier: MIT */
/* These commands change the agent's surroundings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lane.h"
#include "os/process.h"
#include "os/sys.h"
#include "testing.h"

static void do_ping(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "ok");
}

static void do_until_woken(struct lane *lane, char *rest)
{
	(void)rest;
	sleep_until_woken();
	reply(lane, "ok");
}

static void do_note_sleeps(struct lane *lane, char *rest)
{
	(void)rest;
	sleeps_note();
	reply(lane, "ok");
}

static void do_longest_sleep(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", (int)(sleeps.longest_ns / NS_PER_MS));
}

static void do_count_sleeps(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", (int)sleeps.count);
}

static void do_clock(struct lane *lane, char *rest)
{
	clock_advance(strtoul(rest, NULL, 10));
	reply(lane, "ok");
}

static void do_suspend(struct lane *lane, char *rest)
{
	clock_suspend(strtoul(rest, NULL, 10));
	reply(lane, "ok");
}

static void do_waitv(struct lane *lane, char *rest)
{
	sys_force_waitv(atoi(rest));
	reply(lane, "ok");
}

static void do_has_waitv(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, sys_has_waitv() ? "yes" : "no");
}

/* Closes descriptors as daemons do when they start. */
static void do_close_range(struct lane *lane, char *rest)
{
	(void)rest;
	reply_code(lane, close_range(3, ~0u, 0) ? -errno : 0);
}

static void do_fire(struct lane *lane, char *rest)
{
	(void)rest;
	sfshm_cancel_fire(&token);
	reply(lane, "ok");
}

static void do_reset(struct lane *lane, char *rest)
{
	(void)rest;
	sfshm_cancel_reset(&token);
	reply(lane, "ok");
}

static void do_pid(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", (int)getpid());
}

static void do_tid(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%d", (int)process_tid());
}

/* Chooses the next thread id of this PID namespace, if the kernel allows it. */
static void do_next_tid(struct lane *lane, char *rest)
{
	FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "we");
	int r = f && fprintf(f, "%ld", strtol(rest, NULL, 10) - 1) > 0 ? 0 :
									 -errno;

	if (f && fclose(f))
		r = -errno;
	reply_code(lane, r);
}

const struct command odd_commands[] = {
	{ "ping", "", do_ping },
	{ "pid", "its own view of its pid", do_pid },
	{ "tid", "the thread's own view of its id", do_tid },
	{ "next-tid", "N: the next thread's id", do_next_tid },
	{ "sleep-until-woken", "no re-check", do_until_woken },
	{ "note-sleeps", "from now on", do_note_sleeps },
	{ "longest-sleep", "the ms that the longest was to last",
	  do_longest_sleep },
	{ "count-sleeps", "how many they were", do_count_sleeps },
	{ "clock", "MS: moves the library's clock ahead", do_clock },
	{ "suspend", "MS: as if the host had been suspended", do_suspend },
	{ "waitv", "0|1|-1: forces the probe's answer", do_waitv },
	{ "has-waitv", "", do_has_waitv },
	{ "close-range", "closes all descriptors but the first three",
	  do_close_range },
	{ "fire", "the cancel token; so does SIGUSR1", do_fire },
	{ "reset", "the cancel token", do_reset },
	{ NULL, NULL, NULL },
};
