/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F7, PROMISE-R7: for stale_if_error_ms a caller gets the old value
 * after the work has failed, with the failure's code beside it; "does not
 * exist" is no failure.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy keeper = {
	.size = sizeof(keeper),
	.ttl_ms = 10000,
	.neg_ttl_ms = 5000,
	.stale_if_error_ms = 60000,
};

static int fail_with(struct sfshm_flight *f, void *code)
{
	return sfshm_fail(f, *(int *)code, "not now");
}

static int do_failing(const struct sfshm_policy *policy, int code)
{
	result.code = 0;
	return sfshm_do(h, "key", 3, policy, fail_with, &code, &result);
}

static void its_leader(void **state)
{
	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	assert_int_equal(do_failing(&keeper, -EIO), SFSHM_CACHED);
	assert_value("old");
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.code, -EIO);
	clock_advance(60000);
	assert_int_equal(do_failing(&keeper, -EIO), -EREMOTEIO);
	assert_int_equal(result.code, -EIO);
	assert_int_equal(result.value.len, 0);
	assert_string_equal(result.message, "not now");
}

static void who_waited_and_who_comes_later(void **state)
{
	struct agent *leader = agent_start();
	struct asker a = { .policy = keeper };

	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	agent_expect(leader, "leader", "begin key refresh neg=1000000");
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "fail -5 not now");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	assert_int_equal(a.result.stale, 1);
	assert_int_equal(a.result.code, -EIO);
	assert_string_equal(asker_text(&a), "old");
	sfshm_result_clear(&a.result);

	assert_int_equal(begin(&keeper), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.code, -EIO);
	/* Who did not ask for that has the failure. */
	assert_int_equal(begin(NULL), -EREMOTEIO);
	assert_int_equal(begin(POLICY(.grace_ms = 60000)), -EREMOTEIO);
	/* Once the failure has had its time, somebody tries again. */
	clock_advance(1000000);
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void but_not_where_there_is_nothing_any_more(void **state)
{
	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	assert_int_equal(do_failing(&keeper, -ENOENT), -ENOENT);
	assert_int_equal(begin(&keeper), -ENOENT);
	assert_int_equal(result.code, -ENOENT);
}

/* Who wants a new one has no use for it; leader and follower agree. */
static void nor_who_refreshes(void **state)
{
	struct sfshm_policy refresh = keeper;

	(void)state;
	put("old", &keeper);
	refresh.flags = SFSHM_REFRESH;
	assert_int_equal(do_failing(&refresh, -EIO), -EREMOTEIO);
	assert_int_equal(result.code, -EIO);
	assert_int_equal(begin(&keeper), SFSHM_CACHED);
	assert_int_equal(result.stale, 0);
}

static int nothing_fits(const struct sfshm_result *r, void *arg)
{
	(void)r;
	(void)arg;
	return 0;
}

/* An old value that is another key's is nobody's. */
static void nor_what_does_not_fit(void **state)
{
	struct sfshm_policy choosy = keeper;

	(void)state;
	put("old", &keeper);
	clock_advance(20000);
	choosy.fits = nothing_fits;
	assert_int_equal(do_failing(&choosy, -EIO), -EREMOTEIO);
	assert_int_equal(result.code, -EIO);
	assert_int_equal(result.value.len, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(its_leader),
		in_policy(who_waited_and_who_comes_later),
		in_policy(but_not_where_there_is_nothing_any_more),
		in_policy(nor_who_refreshes),
		in_policy(nor_what_does_not_fit),
	};

	return test_main(tests);
}
