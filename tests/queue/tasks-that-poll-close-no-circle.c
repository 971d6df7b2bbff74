/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q5: One thread may have many polled waits, also for flights that it
 * leads itself. A task that would wait for itself is told.
 */
#include "held.h"

#include <pthread.h>
#include <sfshm/release.h>

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

#define LOCK_OF(t) LOCK(.flags = SFSHM_LOCK_DETACHED, .task = (t))
#define PERMIT_OF(t) \
	PERMIT(.flags = SFSHM_SEMAPHORE_DETACHED, .task = (t), .max = 1)

/* Over a flight, a lock and a semaphore. */
static void for_one_anothers_locks_and_permits(void **state)
{
	struct sfshm_wait waits[2], wait;
	struct sfshm_permit of_three;
	struct sfshm_lock of_two;

	(void)state;
	assert_int_equal(lead("A", 1, 0), SFSHM_LEADER);
	assert_int_equal(lock_begin("B", LOCK_OF(2), &wait), 0);
	of_two = lock;
	assert_int_equal(permit_begin("C", PERMIT_OF(3), &wait), 0);
	of_three = permit;
	/* Each for itself. */
	assert_int_equal(lock_begin("B", LOCK_OF(2), &wait), -EDEADLK);
	assert_int_equal(permit_begin("C", PERMIT_OF(3), &wait), -EDEADLK);
	/* 1 waits for 2, 2 for 3; 3 for 1 closes the circle. */
	assert_int_equal(lock_begin("B", LOCK_OF(1), &waits[0]), -EINPROGRESS);
	assert_int_equal(permit_begin("C", PERMIT_OF(2), &waits[1]),
			 -EINPROGRESS);
	assert_int_equal(begin("A", DETACHED(.task = 3), &wait), -EDEADLK);
	assert_int_equal(sfshm_wait_cancel(queue, &waits[1]), 0);
	assert_int_equal(begin("A", DETACHED(.task = 3), &wait), -EINPROGRESS);
	/* The circle may be closed at the semaphore, and at the lock. */
	assert_int_equal(permit_begin("C", PERMIT_OF(2), &waits[1]), -EDEADLK);
	assert_int_equal(sfshm_wait_cancel(queue, &waits[0]), 0);
	assert_int_equal(permit_begin("C", PERMIT_OF(2), &waits[1]),
			 -EINPROGRESS);
	assert_int_equal(lock_begin("B", LOCK_OF(1), &waits[0]), -EDEADLK);
	assert_int_equal(watch_waiters("B"), 0);
	assert_int_equal(sfshm_publish(&flights[0], "value", 5), 0);
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
	assert_int_equal(sfshm_permit_release(&of_three), 0);
	assert_int_equal(permit_finish(&waits[1]), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_unlock(&of_two), 0);
	assert_sound(h);
}

static void *give_back(void *arg)
{
	(void)arg;
	demand(sfshm_unlock(&lock) == 0);
	demand(sfshm_permit_release(&permit) == 0);
	return NULL;
}

/* What a wait has taken is its process's: any thread gives it back. */
static void end_in_any_thread(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait for_lock, for_permit;
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 2; i++) {
		agent_expect(holder, "locked", "lock B");
		agent_expect(holder, "ok", "acquire C max=1");
		assert_int_equal(lock_begin("B", LOCK_OF(7), &for_lock),
				 -EINPROGRESS);
		assert_int_equal(permit_begin("C", PERMIT_OF(7), &for_permit),
				 -EINPROGRESS);
		agent_expect(holder, "ok", "unlock B");
		agent_expect(holder, "ok", "give-back");
		assert_int_equal(lock_finish(&for_lock), 0);
		assert_int_equal(permit_finish(&for_permit), 0);
		agent_expect(holder, "-EBUSY", "lock B try");
		agent_expect(holder, "-EBUSY", "acquire C try");
		if (i) {
			assert_int_equal(sfshm_release_all(h, 7), 2);
			continue;
		}
		assert_int_equal(pthread_create(&thread, NULL, give_back, NULL),
				 0);
		pthread_join(thread, NULL);
	}
	agent_expect(holder, "locked", "lock B try");
	agent_expect(holder, "ok", "acquire C try");
	assert_int_equal(lock_begin("B",
				    LOCK(.flags = SFSHM_LOCK_DETACHED |
						  SFSHM_LOCK_SHARED),
				    &for_lock),
			 -EOPNOTSUPP);
	assert_int_equal(
		lock_begin("B", LOCK(.flags = SFSHM_LOCK_DETACHED, .rank = 1),
			   &for_lock),
		-EINVAL);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(for_the_flights_of_its_thread),
		in_queue(for_its_own_flight),
		in_queue(for_one_another),
		in_queue(for_one_anothers_locks_and_permits),
		in_queue(end_in_any_thread),
	};

	return test_main(tests);
}
