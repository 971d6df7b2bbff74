/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R5, PROMISE-F6: with max_waiters a call is turned away (-EAGAIN) if
 * that many followers wait already. The followers are not disturbed, and the
 * dead do not count.
 */
#include "agent.h"
#include "asker.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

static int (*real_wake)(uint32_t *word, int most);
static __thread uint32_t wakes; /* by this thread */

static int noted_wake(uint32_t *word, int most)
{
	wakes++;
	return real_wake(word, most);
}

/* They wake nobody by their coming and going. */
static void more_callers_are_turned_away(void)
{
	uint32_t before = wakes;

	for (int i = 0; i < 20; i++)
		assert_int_equal(begin(POLICY(.max_waiters = 2,
					      .wait_timeout_ms = 10000)),
				 -EAGAIN);
	assert_int_equal(wakes, before);
	assert_int_equal(watch_counter("crowded"), 20);
}

static void the_rest_is_turned_away(void **state)
{
	struct agent *leader = agent_start(), *dying = agent_start();
	struct asker askers[2] = { 0 };

	(void)state;
	/* Before there are other threads. */
	real_wake = sys.wake;
	sys.wake = noted_wake;
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 2; i++) {
		askers[i].policy = *POLICY(.max_waiters = 2);
		asker_start(&askers[i], h, "key");
	}
	await_waiters("key", 2);
	more_callers_are_turned_away();
	assert_int_equal(watch_waiters("key"), 2);

	/* A third one, if so many may. */
	agent_say(dying, "begin key");
	await_waiters("key", 3);
	assert_int_equal(begin(POLICY(.max_waiters = 3)), -EAGAIN);
	agent_kill(dying);
	assert_int_equal(begin(POLICY(.max_waiters = 3, .wait_timeout_ms = 10)),
			 -ETIMEDOUT);

	agent_expect(leader, "ok", "publish value");
	for (int i = 0; i < 2; i++) {
		asker_join(&askers[i]);
		assert_int_equal(askers[i].outcome, SFSHM_AWAITED);
		sfshm_result_clear(&askers[i].result);
	}
}

/* It is about waiting only. */
static void hits_and_leaders_are_not(void **state)
{
	(void)state;
	put("value", POLICY(.ttl_ms = SFSHM_FOREVER, .max_waiters = 1));
	assert_int_equal(begin(POLICY(.max_waiters = 1)), SFSHM_CACHED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(the_rest_is_turned_away),
		in_policy(hits_and_leaders_are_not),
	};

	return test_main(tests);
}
