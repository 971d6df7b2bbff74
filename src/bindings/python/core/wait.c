/* SPDX-License-Identifier: MIT */
/*
 * Waits. A Python program expects that Ctrl-C ends one, and so does a signal
 * handler that raises. Python runs its handlers in the main thread, between two
 * steps of the program, so a wait of that thread returns to Python for them.
 */
#include <sys/syscall.h>
#include <unistd.h>
#include "core.h"

/* Each this many sleeps a wait lets Python look for signals. */
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
 * Has Ctrl-C come between two sleeps? SFSHM_INTR ends a sleep; this ends the
 * wait in the other case. It does not run the handler, which may call the
 * library. Other signals that come between two sleeps are found after some more
 * sleeps. A wait that ends and begins anew misses what is published in
 * between for the present followers alone, so that is rare.
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

/*
 * sfshm_begin() that may sleep. Returns its outcome; after -EINTR a signal
 * handler has raised an exception.
 */
int core_begin(struct segment *self, const struct key *key,
	       struct request *request, struct sfshm_flight *flight,
	       struct sfshm_result *result)
{
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
		rc = sfshm_begin(self->handle, key->data, key->len,
				 &request->policy, flight, result);
		PyEval_RestoreThread(asked.thread);
	} while (rc == -EINTR && PyErr_CheckSignals() == 0);
	request->policy.interrupted = NULL;
	request->policy.arg = NULL;
	return rc;
}
