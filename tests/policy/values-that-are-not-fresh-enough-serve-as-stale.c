/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C7: a value that `fresh` refuses may still serve as a stale one:
 * while another caller leads, at a time-out, and after a failure. A value that
 * `fits` refuses serves for nothing. No byte of a refused value stays in the
 * result.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static int refuse(const struct sfshm_result *r, void *arg)
{
	(void)r;
	(void)arg;
	return 0;
}

#define KEPT .ttl_ms = 60000, .grace_ms = 60000, .stale_if_error_ms = 60000

static void while_another_caller_leads(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(KEPT));
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(KEPT, .fresh = refuse)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	assert_int_equal(
		begin(POLICY(KEPT, .fits = refuse, .flags = SFSHM_TRY)),
		-EBUSY);
	assert_int_equal(result.value.len, 0);
	agent_expect(leader, "ok", "publish new");
}

static void at_a_time_out(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(.ttl_ms = 60000));
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(.fresh = refuse, .wait_timeout_ms = 1,
				      .flags = SFSHM_STALE_ON_TIMEOUT)),
			 SFSHM_AWAITED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(begin(POLICY(.fits = refuse, .wait_timeout_ms = 1,
				      .flags = SFSHM_STALE_ON_TIMEOUT)),
			 -ETIMEDOUT);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(begin(POLICY(.fresh = refuse, .wait_timeout_ms = 1)),
			 -ETIMEDOUT);
	assert_int_equal(result.value.len, 0);
	agent_expect(leader, "ok", "publish new");
}

static void after_a_failure(void **state)
{
	(void)state;
	put("old", POLICY(KEPT));
	assert_int_equal(
		begin(POLICY(.flags = SFSHM_REFRESH, .neg_ttl_ms = 60000)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
	assert_int_equal(begin(POLICY(KEPT, .fresh = refuse)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.code, -5);
	assert_int_equal(begin(POLICY(KEPT, .fits = refuse)), -EREMOTEIO);
	assert_int_equal(result.value.len, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(while_another_caller_leads),
		in_policy(at_a_time_out),
		in_policy(after_a_failure),
	};

	return test_main(tests);
}
