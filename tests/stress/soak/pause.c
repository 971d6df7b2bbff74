/* SPDX-License-Identifier: MIT */
/*
 * Stops from outside are few, and mostly find a worker in a system call. So
 * some workers have a timer that stops them at any instruction; in the middle
 * of a walk through the table it always stops them, for long enough that the
 * slot on which they stand goes away and comes back as another key's.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include <sfshm/cancel.h>

#include "board.h"
#include "store/table.h"

#define EVERY_US 150
/*
 * The most of a short nap, for whose end a participant that wants the memory
 * back waits; and of a long one, in which the sleeper is expelled.
 */
#define SHORT_NAP_NS 1500000u
#define LONG_NAP_NS 16000000u
/* Elsewhere only one of so many is a pause; fewer where walks are the aim. */
#define SPARED 16
#define WALKER_SPARED 128

static uint32_t dice, spared;

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

static void nap_here(bool walking)
{
	struct timespec nap = { 0 };

	dice = dice * 69069 + 1;
	if (!walking && (dice >> 16) % spared)
		return;
	nap.tv_nsec =
		(dice >> 4) % ((dice >> 28) % 4 ? SHORT_NAP_NS : LONG_NAP_NS);
	nanosleep(&nap, NULL);
	count(walking ? TALLY_walks_paused : TALLY_pauses);
}

static void alarm_rang(int signal, siginfo_t *info, void *context)
{
	int error = errno;

	(void)signal;
	(void)info;
	nap_here(in_table(context));
	if ((dice >> 8) % 256 == 0)
		sfshm_cancel_fire(&policy_token);
	arm();
	errno = error;
}

void pause_often(bool walks)
{
	struct sigaction action = { .sa_sigaction = alarm_rang,
				    .sa_flags = SA_RESTART | SA_SIGINFO };

	dice = (uint32_t)random_next();
	spared = walks ? WALKER_SPARED : SPARED;
	sigaction(SIGALRM, &action, NULL);
	arm();
}
