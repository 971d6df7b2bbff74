/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F4, PROMISE-F6: a live leader moves its deadline on, and keeps its
 * flight; past the new deadline another caller takes it, and the leader learns
 * of that. Any thread of the process may move the deadline.
 */
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

/* Without a bent clock, for the one that waits sleeps by the kernel's. */
static void it_keeps_its_flight(void **state)
{
	struct asker a = { 0 };
	uint64_t began = now_ms();

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 100)), SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, 60000), 0);
	assert_int_equal(watch_counter("extensions"), 1);
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_true(eventually(now_ms() > began + 150 &&
			       watch_counter("rechecks") > 1));
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(sfshm_extend(&flight, 1), 0);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_int_equal(watch_counter("steals"), 1);
	sfshm_result_clear(&a.result);
	assert_int_equal(sfshm_extend(&flight, 60000), -ESTALE);
	assert_int_equal(publish("late"), -ESTALE);
	assert_int_equal(sfshm_extend(&flight, 60000), -ESTALE);
	assert_sound(h);
}

/* It may also bring it nearer, take it away, or give itself one. */
static void as_it_likes(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 30000)), SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, 0), 0);
	clock_advance(1000000);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), -EDEADLK);
	/* That call has wiped the struct: the flight goes with the thread. */
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);

	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, 100), 0);
	clock_advance(1000);
	struct asker a = { .policy = { .flags = SFSHM_TRY } };

	asker_start(&a, h, "key");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&a.result);
	assert_int_equal(publish("late"), -ESTALE);
}

static void *extend(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)sfshm_extend(&flight, 60000);
}

static void from_any_thread(void **state)
{
	pthread_t thread;
	void *answer;

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 1000)), SFSHM_LEADER);
	for (int over = 0; over < 2; over++) {
		assert_int_equal(pthread_create(&thread, NULL, extend, NULL),
				 0);
		assert_int_equal(pthread_join(thread, &answer), 0);
		assert_int_equal((intptr_t)answer, over ? -ESTALE : 0);
		if (over)
			break;
		clock_advance(50000);
		assert_int_equal(begin(POLICY(.flags = SFSHM_FOLLOW)),
				 -EDEADLK);
		assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	}
}

/* What was led through a handle that is closed is not there any more. */
static void not_after_the_last_close(void **state)
{
	pthread_t thread;
	void *answer;

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 1000)), SFSHM_LEADER);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_extend(&flight, 1000), -ESTALE);
	assert_int_equal(sfshm_abandoned(&flight), -ESTALE);
	assert_int_equal(pthread_create(&thread, NULL, extend, NULL), 0);
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_int_equal((intptr_t)answer, -ESTALE);
	h = segment_open(NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(it_keeps_its_flight),
		in_policy(as_it_likes),
		in_policy(from_any_thread),
		in_policy(not_after_the_last_close),
	};

	return test_main(tests);
}
