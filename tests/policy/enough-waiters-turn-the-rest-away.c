/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R5, PROMISE-F6: with max_waiters a call is turned away (-EAGAIN) if
 * that many followers wait already. The followers are not disturbed, and the
 * dead do not count.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static uint32_t turned_away;

/* A follower that is not asleep yet may wait once more by itself. */
static bool more_callers_wake_nobody(void)
{
	uint64_t waits = watch_counter("waits");

	for (int i = 0; i < 20; i++, turned_away++)
		assert_int_equal(begin(POLICY(.max_waiters = 2)), -EAGAIN);
	return watch_counter("waits") == waits;
}

static void the_rest_is_turned_away(void **state)
{
	struct agent *leader = agent_start(), *dying = agent_start();
	struct asker askers[2] = { 0 };

	(void)state;
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 2; i++) {
		askers[i].policy = *POLICY(.max_waiters = 2);
		asker_start(&askers[i], h, "key");
	}
	await_waiters("key", 2);
	assert_true(eventually(watch_counter("waits") >= 2));
	assert_true(eventually(more_callers_wake_nobody()));
	assert_int_equal(watch_counter("crowded"), turned_away);
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
