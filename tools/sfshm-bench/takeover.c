/* SPDX-License-Identifier: MIT */
/*
 * The time from a leader's SIGKILL until a follower runs the work, against the
 * time from the SIGKILL of a robust mutex's owner until the next process has
 * the mutex.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"

enum { FOLLOW, LOCK, SLEEP_AND_LOCK };

static struct crowd crowd; /* of one */
static struct sfshm *attached;
static char key[BENCH_KEY];
static struct {
	pthread_mutex_t mutex;
	uint32_t leads;
} * shared;

static void attach(void)
{
	int r = attached ? 0 :
			   sfshm_open(&attached, bench_segment_name(), NULL);

	if (r)
		bench_die("cannot attach", r);
}

/* glibc's mutex begins with its futex word. */
static uint32_t *mutex_word(void)
{
	return (void *)&shared->mutex;
}

/* Sleeps, as the library's followers do, until the kernel marks the word. */
static void sleep_on_owner(void)
{
	uint32_t word;

	while (!((word = word_read(mutex_word())) & FUTEX_OWNER_DIED))
		futex_wait_three(mutex_word(), word);
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r;

	attach();
	crowd_ready(page);
	if (command == FOLLOW) {
		r = sfshm_begin(attached, key, sizeof(key), NULL, &flight,
				&result);
		page->member[me].at = bench_now();
		if (r != SFSHM_LEADER || !result.owner_died ||
		    sfshm_release(&flight))
			bench_die("nothing was taken over", r);
	} else {
		if (command == SLEEP_AND_LOCK)
			sleep_on_owner();
		r = pthread_mutex_lock(&shared->mutex);
		page->member[me].at = bench_now();
		if (r != EOWNERDEAD ||
		    pthread_mutex_consistent(&shared->mutex) ||
		    pthread_mutex_unlock(&shared->mutex))
			bench_die("the mutex was not handed over", -r);
	}
}

static _Noreturn void lead_till_killed(uint32_t how, pid_t parent)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	bool leads;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	attached = NULL;
	if (how == FOLLOW) {
		attach();
		leads = sfshm_begin(attached, key, sizeof(key), NULL, &flight,
				    &result) == SFSHM_LEADER;
	} else {
		leads = !pthread_mutex_lock(&shared->mutex);
		/* The kernel wakes a sleeper only if this bit is set. */
		if (how == SLEEP_AND_LOCK)
			word_add(mutex_word(), FUTEX_WAITERS);
	}
	word_write(&shared->leads, leads ? 1 : 2);
	futex_wake_all(&shared->leads);
	for (;;)
		pause();
}

static pid_t leader(uint32_t how)
{
	pid_t parent = getpid(), pid;

	word_write(&shared->leads, 0);
	pid = fork();
	if (pid == 0)
		lead_till_killed(how, parent);
	if (pid < 0)
		bench_die("fork", -errno);
	while (!word_read(&shared->leads))
		futex_wait(&shared->leads, 0);
	if (word_read(&shared->leads) != 1)
		bench_die("the leader does not lead", -EBUSY);
	return pid;
}

static uint64_t hand_over(uint32_t how, uint64_t n)
{
	uint64_t took = 0, start;
	pid_t pid;

	while (n--) {
		pid = leader(how);
		crowd_command(&crowd, how, 0);
		crowd_wait_asleep(&crowd);
		process_wait_asleep(pid);
		start = bench_now();
		kill(pid, SIGKILL);
		crowd_wait(&crowd);
		took += crowd_last(&crowd) - start;
		waitpid(pid, NULL, 0);
	}
	return took;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	return hand_over(FOLLOW, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	(void)b;
	return hand_over(LOCK, n);
}

static uint64_t limit(const struct bench *b, uint64_t n)
{
	(void)b;
	return hand_over(SLEEP_AND_LOCK, n);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };
	pthread_mutexattr_t attr;

	(void)b;
	bench_key(key, 1);
	shared = bench_share(4096);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	bench_segment(&o);
	crowd_start(&crowd, 1, member);
	return NULL;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	crowd_end(&crowd);
	bench_segment_close();
}

const struct bench takeover_benches[] = {
	{
		.name = "takeover",
		.peer = "robust mutex, EOWNERDEAD",
		.what = "SIGKILL of the leader until a follower leads",
		.target = 1.15,
		.batch = 1,
		.turns = 20,
		.prepare = prepare,
		.ours = ours,
		.theirs = theirs,
		.clean_up = clean_up,
	},
	{
		.name = "takeover-limit",
		.peer = "robust mutex, EOWNERDEAD, futex_waitv",
		.what = "the same",
		.batch = 1,
		.turns = 20,
		.prepare = prepare,
		.ours = ours,
		.theirs = limit,
		.clean_up = clean_up,
	},
	{ 0 },
};
