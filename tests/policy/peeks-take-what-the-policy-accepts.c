/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: a peek with a policy takes a fresh value, else a stale one that
 * the policy accepts, however busy or lost the key's leader is. It asks the
 * caller's checks. It leads nothing, reaps nobody and never waits.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static int peek(const struct sfshm_policy *policy)
{
	result.code = 0;
	return sfshm_peek(h, "key", 3, policy, &result);
}

static void is_stale(const char *text)
{
	assert_int_equal(result.stale, 1);
	assert_value(text);
}

static void put_old(void)
{
	put("old", POLICY(.ttl_ms = 1000));
	clock_advance(3000);
}

static void nothing(void **state)
{
	(void)state;
	assert_int_equal(peek(NULL), -ENODATA);
	assert_int_equal(peek(POLICY(.flags = SFSHM_STALE_ON_TIMEOUT)),
			 -ENODATA);
	assert_int_equal(peek(POLICY(.flags = 1u << 31)), -EINVAL);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void fresh_values(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.ttl_ms = 60000)), SFSHM_LEADER);
	clock_advance(1000);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(peek(NULL), SFSHM_CACHED);
	assert_int_equal(result.stale, 0);
	assert_value("value");
	/* What concerns leading and waiting does not count. */
	assert_int_equal(peek(POLICY(.flags = SFSHM_REFRESH, .beta = 1e9)),
			 SFSHM_CACHED);
	assert_int_equal(result.stale, 0);
}

static void stale_values(void **state)
{
	(void)state;
	put_old();
	assert_int_equal(peek(NULL), -ENODATA);
	assert_int_equal(peek(POLICY(.grace_ms = 1000)), -ENODATA);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(peek(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	is_stale("old");
	assert_int_equal(peek(POLICY(.stale_if_error_ms = 60000)),
			 SFSHM_CACHED);
	is_stale("old");
	assert_int_equal(peek(POLICY(.flags = SFSHM_STALE_ON_TIMEOUT)),
			 SFSHM_CACHED);
	is_stale("old");
	assert_int_equal(watch_counter("stale_hits"), 3);
}

/* The leader is not looked at: it stays the leader until others notice. */
static void under_a_leader_that_is_gone(void **state)
{
	struct agent *victim = agent_start();

	(void)state;
	put_old();
	agent_expect(victim, "leader", "begin key refresh age=1");
	assert_int_equal(peek(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	is_stale("old");
	agent_kill(victim);
	assert_int_equal(peek(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	is_stale("old");
	assert_int_equal(watch_counter("reaps"), 0);
	assert_int_equal(watch_counter("takeovers"), 0);
	assert_int_equal(begin(POLICY(.grace_ms = 60000)), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void failures(void **state)
{
	(void)state;
	put_old();
	assert_int_equal(begin(POLICY(.neg_ttl_ms = 60000)), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -7, "no luck"), 0);
	assert_int_equal(peek(NULL), -EREMOTEIO);
	assert_string_equal(result.message, "no luck");
	assert_int_equal(peek(POLICY(.grace_ms = 60000)), -EREMOTEIO);
	assert_int_equal(peek(POLICY(.stale_if_error_ms = 60000)),
			 SFSHM_CACHED);
	is_stale("old");
	assert_int_equal(result.code, -7);
	assert_int_equal(peek(POLICY(.flags = SFSHM_RETRY_ON_FAILURE)),
			 -ENODATA);
	assert_int_equal(peek(POLICY(.flags = SFSHM_RETRY_ON_FAILURE,
				     .grace_ms = 60000)),
			 SFSHM_CACHED);
	is_stale("old");
}

static int refuse(const struct sfshm_result *seen, void *arg)
{
	(void)seen;
	++*(int *)arg;
	return 0;
}

static void opinions(void **state)
{
	int asked = 0;

	(void)state;
	put("value", POLICY(.ttl_ms = 60000));
	assert_int_equal(peek(POLICY(.fresh = refuse, .arg = &asked)),
			 -ENODATA);
	assert_int_equal(asked, 1);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(
		peek(POLICY(.fresh = refuse, .arg = &asked, .grace_ms = 1)),
		SFSHM_CACHED);
	assert_int_equal(asked, 2);
	is_stale("value");
	assert_int_equal(peek(POLICY(.fits = refuse, .arg = &asked,
				     .flags = SFSHM_STALE_ON_TIMEOUT)),
			 -ENODATA);
	assert_int_equal(asked, 3);
	assert_int_equal(result.value.len, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(nothing),      in_policy(fresh_values),
		in_policy(stale_values), in_policy(under_a_leader_that_is_gone),
		in_policy(failures),     in_policy(opinions),
	};

	return test_main(tests);
}
