/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q5: One thread may have many polled waits, also for flights that it
 * leads itself. A task that would wait for itself is told.
 */
#include "queue.h"

#define FLIGHTS 4

static struct sfshm_flight flights[FLIGHTS];

static int lead(const char *key, uint64_t task, int i)
{
	struct sfshm_wait wait;

	return sfshm_begin_async(queue, h, key, strlen(key),
				 DETACHED(.task = task), &flights[i], &result,
				 &wait);
}

static void for_the_flights_of_its_thread(void **state)
{
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(begin("key", POLICY(.ttl_ms = 0), &wait),
			 SFSHM_LEADER);
	flights[0] = flight;
	assert_int_equal(begin("key", POLICY(.task = 0), &wait), -EINPROGRESS);
	assert_int_equal(begin("key", POLICY(.task = 2), &wait), -EINPROGRESS);
	assert_false(readable(0));
	assert_int_equal(sfshm_publish(&flights[0], "value", 5), 0);
	assert_int_equal(finished(), SFSHM_AWAITED);
	assert_int_equal(finished(), SFSHM_AWAITED);
	assert_sound(h);
}

static void for_its_own_flight(void **state)
{
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(lead("key", 1, 0), SFSHM_LEADER);
	assert_int_equal(begin("key", DETACHED(.task = 1), &wait), -EDEADLK);
	assert_int_equal(begin("key", DETACHED(.task = 2), &wait),
			 -EINPROGRESS);
	assert_int_equal(sfshm_publish(&flights[0], "value", 5), 0);
	assert_int_equal(finished(), SFSHM_AWAITED);
}

static void for_one_another(void **state)
{
	struct sfshm_wait waits[3], wait;

	(void)state;
	assert_int_equal(lead("A", 1, 0), SFSHM_LEADER);
	assert_int_equal(lead("B", 2, 1), SFSHM_LEADER);
	assert_int_equal(lead("C", 3, 2), SFSHM_LEADER);
	assert_int_equal(begin("B", DETACHED(.task = 1), &waits[0]),
			 -EINPROGRESS);
	assert_int_equal(begin("C", DETACHED(.task = 2), &waits[1]),
			 -EINPROGRESS);
	assert_int_equal(begin("A", DETACHED(.task = 3), &wait), -EDEADLK);
	assert_int_equal(wait.number, 0);
	assert_int_equal(watch_waiters("A"), 0);
	assert_int_equal(begin("A", DETACHED(.task = 4), &waits[2]),
			 -EINPROGRESS);
	/* A thread that sleeps for task 3 is on the same circle. */
	assert_int_equal(sfshm_begin(h, "A", 1, DETACHED(.task = 3), &flight,
				     &result),
			 -EDEADLK);
	assert_int_equal(sfshm_wait_cancel(queue, &waits[1]), 0);
	assert_int_equal(begin("A", DETACHED(.task = 3), &wait), -EINPROGRESS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sfshm_publish(&flights[i], "value", 5), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finished(), SFSHM_AWAITED);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(for_the_flights_of_its_thread),
		in_queue(for_its_own_flight),
		in_queue(for_one_another),
	};

	return test_main(tests);
}
