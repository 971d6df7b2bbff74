/* SPDX-License-Identifier: MIT */
/*
 * Stops from outside are few, and mostly find a worker in a system call. So
 * some workers have a timer that stops them at any instruction; in the middle
 * of a walk through the table it always does, and for long enough that what
 * they stand on goes away and comes back as something else.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "board.h"
#include "store/table.h"

#define EVERY_US 300
#define WALK_NAP_NS 16000000u
#define ANY_NAP_NS 3000000u
/* Elsewhere only one of so many is a pause. */
#define SPARED 8

static uint32_t dice;

/* The functions of store/table.c follow each other. */
static bool in_table(const ucontext_t *at)
{
#if defined(__x86_64__)
	uintptr_t pc = (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	uintptr_t pc = at->uc_mcontext.pc;
#else
	uintptr_t pc = 0;
	(void)at;
#endif
	return pc >= (uintptr_t)table_find && pc < (uintptr_t)table_contains;
}

/* Once: while it naps the next one would already be on its way. */
static void arm(void)
{
	const struct itimerval once = { .it_value.tv_usec = EVERY_US };

	setitimer(ITIMER_REAL, &once, NULL);
}

static void nap_here(const ucontext_t *at)
{
	struct timespec nap = { 0 };

	dice = dice * 69069 + 1;
	if (in_table(at))
		nap.tv_nsec = (dice >> 4) % WALK_NAP_NS;
	else if ((dice >> 16) % SPARED == 0)
		nap.tv_nsec = (dice >> 4) % ANY_NAP_NS;
	if (!nap.tv_nsec)
		return;
	nanosleep(&nap, NULL);
	count(in_table(at) ? TALLY_walks_paused : TALLY_pauses);
}

static void alarm_rang(int signal, siginfo_t *info, void *context)
{
	int error = errno;

	(void)signal;
	(void)info;
	nap_here(context);
	arm();
	errno = error;
}

void pause_often(void)
{
	struct sigaction action = { .sa_sigaction = alarm_rang,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	dice = (uint32_t)random_next();
	sigaction(SIGALRM, &action, NULL);
	arm();
}
