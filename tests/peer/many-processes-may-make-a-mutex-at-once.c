/* SPDX-License-Identifier: MIT */
/*
 * Any number of processes may make a robust mutex of zeroed memory at once,
 * word by word, while some of them hold it already.
 */
#include <pthread.h>
#include <signal.h>

#include "crowd.h"
#include "segment/fingerprint.h"
#include "testing.h"

#define ROUNDS (3000 / SLOWNESS)

struct table {
	pthread_mutex_t mutex[ROUNDS];
	uint32_t holders[ROUNDS], locked[ROUNDS];
};

/* Prepared again by each, also while another one holds it. */
static void prepare_and_lock(int member, void *arg)
{
	struct table *t = arg;
	struct shm_fingerprint unused;

	(void)member;
	demand(fingerprint_read(&unused) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_t *m = &t->mutex[i];

		mutex_prepare(m);
		if (pthread_mutex_trylock(m))
			continue;
		demand(fetch_add_acq_rel(&t->holders[i], 1) == 0);
		fetch_add_relaxed(&t->locked[i], 1);
		demand(fetch_sub_acq_rel(&t->holders[i], 1) == 1);
		demand(pthread_mutex_unlock(m) == 0);
	}
}

static void lock_and_die(int member, void *arg)
{
	struct table *t = arg;

	prepare_and_lock(member, arg);
	for (int i = 0; i < ROUNDS; i += 100)
		(void)!pthread_mutex_trylock(&t->mutex[i]);
	raise(SIGKILL);
}

static void crowd_prepares(enum crowd kind)
{
	struct table *t = shared_memory(sizeof(*t));

	crowd_run(kind, 8, prepare_and_lock, t);
	for (int i = 0; i < ROUNDS; i++)
		assert_true(t->locked[i] > 0);
	/* They are robust as well. */
	assert_int_equal(child_gone(child_start(lock_and_die, 0, t)), SIGKILL);
	for (int i = 0; i < ROUNDS; i += 100) {
		assert_int_equal(pthread_mutex_trylock(&t->mutex[i]),
				 EOWNERDEAD);
		assert_int_equal(pthread_mutex_consistent(&t->mutex[i]), 0);
		assert_int_equal(pthread_mutex_unlock(&t->mutex[i]), 0);
	}
}

static void by_processes(void **state)
{
	(void)state;
	crowd_prepares(PROCESSES);
}

static void by_threads(void **state)
{
	(void)state;
	crowd_prepares(THREADS);
}

/* A crowd of threads attaches to new records of a new segment at once. */
static void attach(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	(void)member;
	demand(sfshm_get(arg, "key", 3, &result) == -ENODATA);
	sfshm_result_clear(&result);
}

static void while_they_attach(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		const struct sfshm_options o = { .participants = 64 };
		struct sfshm *h = segment_open(&o);

		crowd_run(THREADS, 64, attach, h);
		assert_sound(h);
		assert_int_equal(sfshm_close(h), 0);
		assert_int_equal(sfshm_unlink(segment), 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_processes),
		in_segment(by_threads),
		in_segment(while_they_attach),
	};

	return test_main(tests);
}
