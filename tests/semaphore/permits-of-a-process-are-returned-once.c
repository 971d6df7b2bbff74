/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S8: of many threads that return a permit of their process, one does,
 * whatever becomes of the thread that took it.
 */
#include <pthread.h>

#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#include "crowd.h"
#include "os/atomics.h"
#include "watch.h"

static struct sfshm *handle;

static const struct sfshm_semaphore_options detached = {
	.size = sizeof(detached),
	.flags = SFSHM_SEMAPHORE_DETACHED,
	.max = SFSHM_PERMITS_MAX,
};

/* Two hundred threads: each takes a permit, another returns it. */
#define PAIRS 100
#define TURNS (20 / SLOWNESS)

static struct sfshm_permit given[PAIRS];
static uint32_t turn[PAIRS]; /* odd: the permit is for the other thread */

/* Waits until another thread has brought the word so far. */
static void reaches(uint32_t *word, uint32_t n)
{
	demand(eventually(load_acquire(word) >= n));
}

static void take_each(int pair)
{
	for (uint32_t i = 0; i < TURNS; i++) {
		reaches(&turn[pair], 2 * i);
		demand(sfshm_acquire(handle, "s", 1, &detached, &given[pair]) ==
		       0);
		store_release(&turn[pair], 2 * i + 1);
	}
}

static void return_each(int pair)
{
	for (uint32_t i = 0; i < TURNS; i++) {
		reaches(&turn[pair], 2 * i + 1);
		demand(sfshm_permit_release(&given[pair]) == 0);
		store_release(&turn[pair], 2 * i + 2);
	}
}

static void take_or_return(int member, void *arg)
{
	(void)arg;
	if (member % 2)
		return_each(member / 2);
	else
		take_each(member / 2);
}

static void by_two_hundred_threads(void **state)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	(void)state;
	handle = segment_open(NULL);
	memset(turn, 0, sizeof(turn));
	crowd_run(THREADS, 2 * PAIRS, take_or_return, NULL);
	assert_int_equal(watch_counter("permits"), PAIRS * TURNS);
	assert_int_equal(watch_counter("permits_freed"), 0);
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

/* A crowd of threads returns each permit, and its owner ends: one does. */
#define ROUNDS (300 / SLOWNESS)
#define ENDERS 4

static struct sfshm_permit shared[ROUNDS];
static uint32_t begun, ends[ROUNDS];

static void *take_one(void *permit)
{
	demand(sfshm_acquire(handle, "s", 1, &detached, permit) == 0);
	fetch_add_acq_rel(&begun, 1);
	return NULL;
}

static void take_rounds(void)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		pthread_t thread;

		demand(!pthread_create(&thread, NULL, take_one, &shared[i]));
		demand(!pthread_join(thread, NULL));
	}
}

static void return_rounds(void)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		int r;

		reaches(&begun, i + 1);
		r = sfshm_permit_release(&shared[i]);
		demand(r == 0 || r == -ESTALE);
		fetch_add_acq_rel(&ends[i], !r);
	}
}

static void take_or_end(int member, void *arg)
{
	(void)arg;
	if (member)
		return_rounds();
	else
		take_rounds();
}

static void by_one_of_a_crowd(void **state)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	(void)state;
	handle = segment_open(NULL);
	assert_int_equal(sfshm_release_all(handle, 0), 0);
	crowd_run(THREADS, 1 + ENDERS, take_or_end, NULL);
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(ends[i], 1);
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 0);
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_two_hundred_threads),
		in_segment(by_one_of_a_crowd),
	};

	return test_main(tests);
}
