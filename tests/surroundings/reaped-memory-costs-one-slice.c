/* SPDX-License-Identifier: MIT */
/*
 * Memory that is taken from a dying process before its threads have ended, as
 * process_mrelease() and the OOM reaper do, holds the list of its mutexes, so
 * the kernel marks none of them. The others find the death one slice later.
 */
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "deaths.h"
#include "watch.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static cpu_set_t everywhere;
static int unmarked;

/* Nobody but us runs on this processor, where the victim has to run. */
static void come_first(struct agent *victim)
{
	const struct sched_param first = { .sched_priority = 1 }, last = { 0 };
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	sched_setaffinity(0, sizeof(here), &here);
	if (sched_setscheduler(0, SCHED_FIFO, &first) ||
	    sched_setaffinity(victim->pid, sizeof(here), &here) ||
	    sched_setscheduler(victim->pid, SCHED_IDLE, &last))
		print_message("# no say in who runs first: %s\n",
			      strerrorname_np(errno));
}

static void be_ordinary_again(struct agent *victim)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(victim->pid, SCHED_OTHER, &none);
	sched_setscheduler(0, SCHED_OTHER, &none);
	sched_setaffinity(0, sizeof(everywhere), &everywhere);
}

static void kill_and_reap(struct cell *c)
{
	pid_t pid = c->victim->pid;
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	siginfo_t info;
	int r;

	assert_true(fd >= 0);
	come_first(c->victim);
	agent_signal(c->victim, SIGKILL);
	r = (int)syscall(SYS_process_mrelease, fd, 0);
	if (r)
		print_message("# process_mrelease: %s\n",
			      strerrorname_np(errno));
	be_ordinary_again(c->victim);
	close(fd);
	if (c->cause->suspected) {
		/* Its body stays where it is. */
		assert_int_equal(
			waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		victim_is_dead(c);
		return;
	}
	assert_int_equal(victim_gone(c), SIGKILL);
}

/* The test is about deaths that are not marked: this one must not be. */
static void kill_unmarked(struct cell *c)
{
	uint32_t attached, alive;

	kill_and_reap(c);
	if (c->role->asleep)
		return;
	watch_participants(&attached, &alive);
	if (attached != alive)
		print_message("# %s: this death was marked\n", c->name);
	else
		unmarked++;
}

static const struct cause causes[] = {
	{
		.name = "process_mrelease(), reaped by its parent",
		.thread = "",
		.strike = kill_unmarked,
		.unmarked = true,
	},
	{
		.name = "process_mrelease(), not reaped",
		.thread = "",
		.strike = kill_unmarked,
		.unmarked = true,
		.suspected = true,
	},
};

int main(int argc, char **argv)
{
	const struct sched_param first = { .sched_priority = 1 }, none = { 0 };
	int failed;

	sched_getaffinity(0, sizeof(everywhere), &everywhere);
	if (syscall(SYS_process_mrelease, -1, 0) && errno != EBADF)
		return skip_all("this kernel has no process_mrelease");
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return skip_all("to decide who runs first takes CAP_SYS_NICE");
	sched_setscheduler(0, SCHED_OTHER, &none);
	failed = deaths_main(argc, argv, causes,
			     sizeof(causes) / sizeof(causes[0]));
	printf("# deaths that the kernel did not mark: %d\n", unmarked);
	return failed || !unmarked;
}
