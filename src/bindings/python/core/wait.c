/* SPDX-License-Identifier: MIT */
/*
 * Waits. A Python program expects that Ctrl-C ends a wait, and that a signal
 * handler that raises an exception ends it, too. Python runs its handlers in
 * the main thread, between two steps of the program, so a wait of that thread
 * returns to Python to run them.
 */
#include <sys/syscall.h>
#include <unistd.h>
#include "core.h"

/* A wait lets Python look for signals once in this many sleeps. */
#define SLEEPS_PER_LOOK 16

struct asked {
	PyThreadState *thread;
	unsigned int sleeps;
};

int core_is_main(void)
{
	return syscall(SYS_gettid) == getpid();
}

/*
 * Whether to end the wait because of a signal that came between two sleeps; for
 * one that comes during a sleep, SFSHM_INTR does so. Finds Ctrl-C at once, but
 * leaves its handler to core_begin(), because the handler may call the library.
 * For other signals returns 1 after SLEEPS_PER_LOOK sleeps, so that Python
 * looks for them. It does not return 1 more often, because core_begin() then
 * begins a new wait: between the two waits the caller is no follower, and would
 * miss a value that goes to the followers alone.
 */
static int interrupted(void *arg)
{
	struct asked *asked = arg;
	int came;

	if (++asked->sleeps % SLEEPS_PER_LOOK == 0)
		return 1;
	PyEval_RestoreThread(asked->thread);
	came = PyOS_InterruptOccurred();
	if (came)
		PyErr_SetInterrupt();
	asked->thread = PyEval_SaveThread();
	return came;
}

static int begin_once(struct lead *lead, struct sfshm_result *result)
{
	const struct sfshm_policy *policy = &lead->request->policy;
	const struct key *key = lead->key;

	if (lead->fleet)
		return sfshm_fleet_begin(lead->fleet, key->data, key->len,
					 policy, &lead->flight, result);
	return sfshm_begin(lead->self->handle, key->data, key->len, policy,
			   &lead->flight.host, result);
}

/*
 * Begins a flight, and may sleep. Returns the outcome; after -EINTR a signal
 * handler has raised an exception. -ESTALE, from a fleet, says to ask again:
 * while this caller led in its host, another one has taken the flight.
 */
int core_begin(struct lead *lead, struct sfshm_result *result)
{
	struct request *request = lead->request;
	struct asked asked = { 0 };
	int rc;

	if (request->timeout_ms)
		request->policy.deadline_ns =
			sfshm_deadline_ms(request->timeout_ms);
	if (core_is_main()) {
		request->policy.flags |= SFSHM_INTR;
		request->policy.interrupted = interrupted;
		request->policy.arg = &asked;
	}
	do {
		asked.thread = PyEval_SaveThread();
		rc = begin_once(lead, result);
		PyEval_RestoreThread(asked.thread);
	} while ((rc == -EINTR && PyErr_CheckSignals() == 0) ||
		 (rc == -ESTALE && lead->fleet));
	request->policy.interrupted = NULL;
	request->policy.arg = NULL;
	return rc;
}
