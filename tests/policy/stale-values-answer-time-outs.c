/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F7: at its deadline a follower gets the last value, marked stale, if
 * SFSHM_STALE_ON_TIMEOUT is set and there is one; else a time-out.
 *
 * The test changes no clock, because a wait ends by the kernel's.
 */
#include "agent.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy hasty = {
	.size = sizeof(hasty),
	.flags = SFSHM_STALE_ON_TIMEOUT,
	.wait_timeout_ms = 20,
};

/* It has been out of date for longer than any grace. */
static void put_expired(const char *text)
{
	put(text, POLICY(.ttl_ms = 1));
	assert_true(eventually(get() == -ENODATA));
}

static void however_old(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put_expired("old");
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(&hasty), SFSHM_AWAITED);
	assert_value("old");
	assert_int_equal(result.stale, 1);
	assert_int_equal(watch_counter("timeouts"), 1);
	assert_int_equal(watch_counter("stale_hits"), 1);
	assert_int_equal(begin(POLICY(.wait_timeout_ms = 20)), -ETIMEDOUT);
	/* Its end was that caller's alone. */
	agent_expect(leader, "ok", "publish new");
}

static void also_who_refreshes_or_never_leads(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(
		begin(POLICY(.flags = SFSHM_REFRESH | SFSHM_STALE_ON_TIMEOUT,
			     .wait_timeout_ms = 20)),
		SFSHM_AWAITED);
	assert_value("old");
	assert_int_equal(
		sfshm_wait(h, "key", 3,
			   POLICY(.flags = SFSHM_REFRESH |
					   SFSHM_STALE_ON_TIMEOUT,
				  .deadline_ns = sfshm_deadline_ms(20)),
			   &result),
		SFSHM_AWAITED);
	agent_expect(leader, "ok", "release");
}

static void where_there_is_none_it_is_a_time_out(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin(&hasty), -ETIMEDOUT);
	agent_expect(leader, "ok", "fail -5 no");
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin(&hasty), -ETIMEDOUT);
	agent_expect(leader, "ok", "release");
}

static int nothing_fits(const struct sfshm_result *r, void *arg)
{
	(void)r;
	(void)arg;
	return 0;
}

static void or_where_it_is_another_keys(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_policy choosy = hasty;

	(void)state;
	put_expired("old");
	agent_expect(leader, "leader", "begin key refresh");
	choosy.fits = nothing_fits;
	assert_int_equal(begin(&choosy), -ETIMEDOUT);
	agent_expect(leader, "ok", "release");
}

static struct agent *late;
static uint64_t (*real_now)(void);
static int looks_at_the_clock;

/*
 * The leader fails between the caller's last look at the key and its deadline.
 */
static uint64_t fail_meanwhile(void)
{
	if (++looks_at_the_clock == 2) {
		agent_expect(late, "ok", "fail -5 too late");
		return real_now() + 3600 * NS_PER_S;
	}
	return real_now();
}

/*
 * There is no old value; a failure that comes too late is not half an answer.
 */
static void nothing_else_is_in_the_result(void **state)
{
	int r;

	(void)state;
	late = agent_start();
	agent_expect(late, "leader", "begin key");
	real_now = sys.now;
	looks_at_the_clock = 0;
	sys.now = fail_meanwhile;
	r = begin(&hasty);
	sys.now = real_now;
	assert_int_equal(looks_at_the_clock, 2);
	assert_int_equal(r, -ETIMEDOUT);
	assert_int_equal(result.code, 0);
	assert_string_equal(result.message, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(however_old),
		in_policy(also_who_refreshes_or_never_leads),
		in_policy(where_there_is_none_it_is_a_time_out),
		in_policy(or_where_it_is_another_keys),
		in_policy(nothing_else_is_in_the_result),
	};

	return test_main(tests);
}
