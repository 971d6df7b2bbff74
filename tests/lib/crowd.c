/* SPDX-License-Identifier: MIT */
#include "crowd.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "testing.h"

#define MOST 256

struct member {
	pthread_barrier_t *gate;
	crowd_fn fn;
	void *arg;
	int number;
};

static void *member_thread(void *arg)
{
	struct member *m = arg;

	pthread_barrier_wait(m->gate);
	m->fn(m->number, m->arg);
	return NULL;
}

static pthread_barrier_t *make_gate(int n)
{
	pthread_barrier_t *gate = shared_memory(sizeof(*gate));
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(gate, &attr, (unsigned int)n);
	pthread_barrierattr_destroy(&attr);
	return gate;
}

static void run_threads(struct member *members, int n)
{
	pthread_t threads[MOST];
	struct timespec end;

	for (int i = 0; i < n; i++)
		demand(!pthread_create(&threads[i], NULL, member_thread,
				       &members[i]));
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 5 * PATIENCE_MS / 1000;
	/* A hanging thread uses this frame's memory: the test must end. */
	for (int i = 0; i < n; i++)
		demand(!pthread_timedjoin_np(threads[i], NULL, &end));
}

/* Removes cmocka's handlers, which would go on with the test in the child. */
static void become_child(void)
{
	static const int caught[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS };

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int child_start(crowd_fn fn, int member, void *arg)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		become_child();
		fn(member, arg);
		_exit(0);
	}
	return pid;
}

int child_gone(int pid)
{
	int status = 0;

	if (!eventually(waitpid(pid, &status, WNOHANG) == pid)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		fail_msg("child %d went on and on", pid);
	}
	return status;
}

static void run_member(int number, void *arg)
{
	(void)number;
	member_thread(arg);
}

static void end_processes(const pid_t *pids, int n)
{
	for (int i = 0; i < n; i++)
		if (pids[i])
			kill(pids[i], SIGKILL);
	for (int i = 0; i < n; i++)
		if (pids[i])
			waitpid(pids[i], NULL, 0);
}

static void run_processes(struct member *members, int n)
{
	uint64_t end = now_ms() + UINT64_C(5) * PATIENCE_MS;
	pid_t pids[MOST];
	int status;

	for (int i = 0; i < n; i++)
		pids[i] = child_start(run_member, i, &members[i]);
	for (int i = 0; i < n; i++) {
		pid_t r;

		while ((r = waitpid(pids[i], &status, WNOHANG)) == 0 &&
		       now_ms() < end)
			usleep(500);
		if (r == pids[i])
			pids[i] = 0;
		if (r > 0 && status == 0)
			continue;
		end_processes(pids, n);
		fail_msg("member %d: %s, status %x", i,
			 r ? "failed" : "goes on and on", status);
	}
}

void crowd_run(enum crowd kind, int n, crowd_fn fn, void *arg)
{
	struct member members[MOST];
	pthread_barrier_t *gate = make_gate(n);

	assert_in_range(n, 1, MOST);
	for (int i = 0; i < n; i++)
		members[i] = (struct member){ gate, fn, arg, i };
	if (kind == THREADS)
		run_threads(members, n);
	else
		run_processes(members, n);
}
