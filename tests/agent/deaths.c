/* SPDX-License-Identifier: MIT */
/* These commands end the agent, or a thread of it, or its program. */
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"
#include "lane.h"
#include "os/killpoint.h"
#include "testing.h"

static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "KILL", SIGKILL }, { "SEGV", SIGSEGV }, { "STOP", SIGSTOP },
		{ "TERM", SIGTERM }, { "ABRT", SIGABRT },
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!strcmp(name, signals[i].name))
			return signals[i].number;
	_exit(9);
}

static void do_default_signals(struct lane *lane, char *rest)
{
	(void)rest;
	for (int i = 1; i <= SIGRTMAX; i++)
		signal(i, SIG_DFL);
	/* A core limit of 0 holds for files only, not for a program. */
	prctl(PR_SET_DUMPABLE, 0);
	reply(lane, "ok");
}

static char interruption[64];

static void interrupted(int signal)
{
	(void)signal;
	obey(this_lane, interruption);
}

static void do_interrupt(struct lane *lane, char *rest)
{
	struct lane *other = lane_find(word(&rest));

	snprintf(interruption, sizeof(interruption), "%s", rest);
	signal(SIGUSR2, interrupted);
	if (!other || pthread_kill(other->thread, SIGUSR2))
		reply(lane, "no such thread");
}

/*
 * Does a command by a signal, because the main thread reads none while it
 * sleeps.
 */
static void do_when_told(struct lane *lane, char *rest)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, WHEN_TOLD);
	reply(lane, "ok");
	if (!sigwait(&set, &signal))
		obey(lane, rest);
}

static char last_command[64];

static void do_at_exit(struct lane *lane, char *rest)
{
	snprintf(last_command, sizeof(last_command), "%s", rest);
	reply(lane, "ok");
}

__attribute__((destructor)) static void end_of_program(void)
{
	if (last_command[0])
		obey(this_lane, last_command);
}

static void do_signal(struct lane *lane, char *rest)
{
	int number = signal_number(rest);

	(void)lane;
	signal(number, SIG_DFL);
	raise(number);
}

static void do_exit(struct lane *lane, char *rest)
{
	(void)lane;
	(void)rest;
	exit(0);
}

static void do_exit_at_once(struct lane *lane, char *rest)
{
	(void)lane;
	(void)rest;
	_exit(0);
}

/* Executes the same program again, which goes on reading commands. */
static void do_exec(struct lane *lane, char *rest)
{
	(void)rest;
	execl("/proc/self/exe", "agent", (char *)NULL);
	reply(lane, "exec failed");
}

static void do_pthread_exit(struct lane *lane, char *rest)
{
	(void)lane;
	(void)rest;
	pthread_exit(NULL);
}

/* The kernel no longer knows what the thread has locked. */
static void do_unmarked_exit(struct lane *lane, char *rest)
{
	static struct robust_list_head none = { .list = { &none.list } };

	(void)lane;
	(void)rest;
	syscall(SYS_set_robust_list, &none, sizeof(none));
	syscall(SYS_exit, 0);
}

/* Exits past libc: no destructor runs. */
static void do_raw_exit(struct lane *lane, char *rest)
{
	(void)lane;
	(void)rest;
	syscall(SYS_exit, 0);
}

static void do_cancel(struct lane *lane, char *rest)
{
	struct lane *other = lane_find(rest);

	if (!other || pthread_cancel(other->thread) ||
	    pthread_join(other->thread, NULL))
		reply(lane, "no such thread");
	else
		reply(lane, "ok");
}

static void do_join(struct lane *lane, char *rest)
{
	struct lane *other = lane_find(rest);

	reply(lane, other && !pthread_join(other->thread, NULL) ? "ok" : "no");
}

static void do_arm(struct lane *lane, char *rest)
{
	enum kill_point point = killpoint_find(word(&rest));
	int count = atoi(word(&rest));

	if (point == KILL_NOWHERE) {
		reply(lane, "no such kill point");
		return;
	}
	killpoint_arm(point, count, signal_number(word(&rest)));
	reply(lane, "ok");
}

const struct command death_commands[] = {
	{ "default-signals",
	  "all signals have their default actions, but dump no core",
	  do_default_signals },
	{ "interrupt", "NAME COMMAND: that thread does it in a signal handler",
	  do_interrupt },
	{ "when-told", "COMMAND: done when the test calls agent_nudge()",
	  do_when_told },
	{ "at-exit", "COMMAND: done by a destructor of the program",
	  do_at_exit },
	{ "signal", "KILL|SEGV|...: sends it to itself", do_signal },
	{ "exit", "", do_exit },
	{ "_exit", "", do_exit_at_once },
	{ "exec", "", do_exec },
	{ "pthread_exit", "", do_pthread_exit },
	{ "raw-exit", "ends the thread by a bare system call", do_raw_exit },
	{ "unmarked-exit", "the same, and the kernel marks no death",
	  do_unmarked_exit },
	{ "cancel", "NAME: cancels that thread and joins it", do_cancel },
	{ "join", "NAME", do_join },
	{ "arm", "POINT COUNT SIGNAL: a kill point", do_arm },
	{ NULL, NULL, NULL },
};
