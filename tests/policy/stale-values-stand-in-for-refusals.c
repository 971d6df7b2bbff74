/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C3: where a call may neither lead nor wait, it gets a stale value
 * that its policy accepts: for an open breaker and for too many waiters, as for
 * a time-out. A breaker without a time is an error.
 */
#include "asker.h"
#include "agent.h"
#include "policy.h"
#include "watch.h"

#define BREAKER .breaker_deaths = 1, .breaker_ms = 60000

static void die(void)
{
	struct agent *victim = agent_start();

	agent_expect(victim, "leader", "begin key refresh");
	agent_kill(victim);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY | SFSHM_FOLLOW |
					       SFSHM_REFRESH)),
			 -EOWNERDEAD);
}

static void for_an_open_breaker(void **state)
{
	const struct sfshm_policy kept =
		*POLICY(.ttl_ms = 1000, .stale_if_error_ms = SFSHM_FOREVER);

	(void)state;
	put("old", &kept);
	clock_advance(2000);
	die();
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
	assert_int_equal(begin(POLICY(BREAKER, .stale_if_error_ms = 60000)),
			 SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	assert_int_equal(begin(POLICY(BREAKER, .grace_ms = 60000)),
			 SFSHM_CACHED);
	assert_int_equal(begin(POLICY(BREAKER, .grace_ms = 500)), -EHOSTDOWN);
	assert_int_equal(
		begin(POLICY(BREAKER, .flags = SFSHM_STALE_ON_TIMEOUT)),
		SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
}

static void for_too_many_waiters(void **state)
{
	struct agent *leader = agent_start();
	struct asker waiting = { 0 };

	(void)state;
	put("old", POLICY(.ttl_ms = 1000));
	clock_advance(2000);
	agent_expect(leader, "leader", "begin key refresh");
	asker_start(&waiting, h, "key");
	await_waiters("key", 1);
	assert_int_equal(begin(POLICY(.max_waiters = 1)), -EAGAIN);
	assert_int_equal(
		begin(POLICY(.max_waiters = 1, .stale_if_error_ms = 60000)),
		SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	agent_expect(leader, "ok", "publish new");
	asker_join(&waiting);
	sfshm_result_clear(&waiting.result);
}

static void a_breaker_needs_a_time(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.breaker_deaths = 2)), -EINVAL);
	put("value", POLICY(.ttl_ms = 60000));
	assert_int_equal(begin(POLICY(.breaker_deaths = 2)), -EINVAL);
	assert_int_equal(sfshm_wait(h, "key", 3, POLICY(.breaker_deaths = 2),
				    &result),
			 -EINVAL);
	assert_int_equal(begin(POLICY(.breaker_ms = 2)), SFSHM_CACHED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(for_an_open_breaker),
		in_policy(for_too_many_waiters),
		in_policy(a_breaker_needs_a_time),
	};

	return test_main(tests);
}
