/* SPDX-License-Identifier: MIT */
/*
 * A child of fork() uses robust mutexes and segments of its own while its
 * parent is attached. The parent's records stay as they were, and the parent
 * detaches and attaches as before.
 */
#include <pthread.h>
#include <signal.h>

#include "crowd.h"
#include "peer/participant.h"
#include "testing.h"

/* In the program's own memory, of which the child has a copy. */
static pthread_mutex_t own;

static void make_robust(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attr;

	demand(!pthread_mutexattr_init(&attr));
	demand(!pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	demand(!pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	demand(!pthread_mutex_init(mutex, &attr));
	pthread_mutexattr_destroy(&attr);
}

static void lead_once(struct sfshm *h, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	demand(sfshm_begin(h, key, strlen(key), NULL, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, "value", 5) == 0);
	sfshm_result_clear(&result);
}

static void locks_its_own(int unused, void *arg)
{
	(void)unused;
	(void)arg;
	demand(!pthread_mutex_lock(&own));
	demand(!pthread_mutex_unlock(&own));
	demand(!pthread_mutex_lock(&own));
}

static void attaches(int unused, void *name)
{
	struct sfshm *h;

	(void)unused;
	demand(sfshm_open(&h, name, NULL) == 0);
	lead_once(h, "child");
	demand(sfshm_close(h) == 0);
}

static void attaches_and_is_killed(int unused, void *name)
{
	struct sfshm *h;

	(void)unused;
	demand(sfshm_open(&h, name, NULL) == 0);
	lead_once(h, "child");
	raise(SIGKILL);
}

/* The bytes of the parent's mutex, which nobody else may change. */
static void fork_while_attached(crowd_fn child, int status)
{
	struct sfshm *h = segment_open(NULL);
	uint8_t before[sizeof(pthread_mutex_t)];
	struct peer *p;

	lead_once(h, "parent");
	p = peer_current;
	assert_non_null(p);
	memcpy(before, &p->record->mutex, sizeof(before));
	for (int i = 0; i < 3; i++)
		assert_int_equal(child_gone(child_start(child, 0, segment)),
				 status);
	assert_memory_equal(before, &p->record->mutex, sizeof(before));
	lead_once(h, "after");
	/* Detaching unlocks the mutex: libc follows its links. */
	assert_int_equal(sfshm_close(h), 0);
	h = segment_open(NULL);
	lead_once(h, "again");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void whatever_they_lock(void **state)
{
	(void)state;
	make_robust(&own);
	fork_while_attached(locks_its_own, 0);
}

static void whatever_they_open(void **state)
{
	(void)state;
	fork_while_attached(attaches, 0);
}

static void however_they_end(void **state)
{
	(void)state;
	fork_while_attached(attaches_and_is_killed, SIGKILL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(whatever_they_lock),
		in_segment(whatever_they_open),
		in_segment(however_they_end),
	};

	return test_main(tests);
}
