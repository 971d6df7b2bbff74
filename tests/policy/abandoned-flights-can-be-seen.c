/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R3: a leader can see that all its followers have gone, and stop. It
 * leaves nothing behind, and the next call starts cold.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static void when_the_last_one_leaves(void **state)
{
	struct agent *dying = agent_start(), *hasty = agent_start();
	struct sfshm_cancel token = { 0 };
	struct asker a = { .policy = { .cancel = &token } };

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	/* Nobody has come yet: that is something else. */
	assert_int_equal(sfshm_abandoned(&flight), 0);
	assert_int_equal(sfshm_flight_waiters(&flight), 0);
	agent_say(dying, "begin key");
	asker_start(&a, h, "key");
	await_waiters("key", 2);
	assert_int_equal(sfshm_flight_waiters(&flight), 2);
	assert_int_equal(sfshm_abandoned(&flight), 0);
	agent_expect(hasty, "-ETIMEDOUT", "begin key timeout=10");
	assert_int_equal(sfshm_abandoned(&flight), 0);
	agent_kill(dying);
	assert_int_equal(sfshm_abandoned(&flight), 0);
	sfshm_cancel_fire(&token);
	asker_join(&a);
	assert_int_equal(a.outcome, -ECANCELED);
	assert_int_equal(sfshm_abandoned(&flight), 1);
	assert_int_equal(sfshm_flight_waiters(&flight), 0);

	/* Somebody comes after all. */
	agent_say(hasty, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_abandoned(&flight), 0);
	assert_int_equal(publish("value"), 0);
	agent_answers(hasty, "awaited value");
	assert_int_equal(sfshm_abandoned(&flight), -ESTALE);
	assert_int_equal(sfshm_abandoned(NULL), -EINVAL);
	assert_sound(h);
}

static int run_until_abandoned(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	demand(eventually(sfshm_abandoned(f) == 1));
	return sfshm_release(f);
}

static void and_the_next_call_starts_cold(void **state)
{
	struct asker leader = { .work = run_until_abandoned };
	uint64_t generation;

	(void)state;
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	assert_int_equal(begin(POLICY(.wait_timeout_ms = 20)), -ETIMEDOUT);
	asker_join(&leader);
	assert_int_equal(leader.outcome, -ECANCELED);
	generation = leader.result.generation;
	sfshm_result_clear(&leader.result);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 0);
	assert_true(result.generation > generation);
	/* Nobody has waited for this one. */
	assert_int_equal(sfshm_abandoned(&flight), 0);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(when_the_last_one_leaves),
		in_policy(and_the_next_call_starts_cold),
	};

	return test_main(tests);
}
