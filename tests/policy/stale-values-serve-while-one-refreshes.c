/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F2, PROMISE-F7: for grace_ms past a value's lifetime callers get it,
 * marked stale, while another caller leads. Nobody waits then.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy keeper = {
	.size = sizeof(keeper),
	.ttl_ms = 10000,
	.grace_ms = 60000,
};

static void within_grace(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	/* Nobody leads: it is this caller's turn, grace or not. */
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);

	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(&keeper), SFSHM_CACHED);
	assert_value("old");
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(result.code, 0);
	assert_in_range(result.age_ns / 1000000, 19000, 40000);
	assert_int_equal(watch_counter("stale_hits"), 1);
	assert_int_equal(watch_counter("waits"), 0);

	agent_expect(leader, "ok", "publish new");
	/* It was not kept for later; the next one is fresh again. */
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	assert_int_equal(publish("newer"), 0);
	assert_int_equal(begin(&keeper), SFSHM_CACHED);
	assert_value("newer");
	assert_int_equal(result.stale, 0);
}

static void past_grace_or_without_it_callers_wait(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), -EBUSY);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY, .grace_ms = 5000)),
			 -EBUSY);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY, .grace_ms = 15000)),
			 SFSHM_CACHED);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY | SFSHM_REFRESH,
				      .grace_ms = 15000)),
			 -EBUSY);
	clock_advance(60000);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY, .grace_ms = 60000)),
			 -EBUSY);
	assert_int_equal(
		begin(POLICY(.flags = SFSHM_TRY, .grace_ms = SFSHM_FOREVER)),
		SFSHM_CACHED);
	/* A look alone is for fresh values. */
	assert_int_equal(get(), -ENODATA);
	agent_expect(leader, "ok", "release");
}

/*
 * A leader that dies does not end the grace, and who comes next is told. The
 * leader's keep_ms may differ from its policy.
 */
static void and_it_is_kept_for_as_long_as_its_leader_said(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_slot_info info;

	(void)state;
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	sfshm_flight_keep(&flight, 1000000);
	sfshm_flight_ttl(&flight, 1000, 0);
	assert_int_equal(publish("old"), 0);
	clock_advance(900000);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(.grace_ms = SFSHM_FOREVER)),
			 SFSHM_CACHED);
	agent_kill(leader);
	assert_int_equal(
		begin(POLICY(.grace_ms = SFSHM_FOREVER, .flags = SFSHM_FOLLOW)),
		SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(begin(POLICY(.grace_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(publish("new"), 0);
	assert_true(watch_key("key", &info));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(within_grace),
		in_policy(past_grace_or_without_it_callers_wait),
		in_policy(and_it_is_kept_for_as_long_as_its_leader_said),
	};

	return test_main(tests);
}
