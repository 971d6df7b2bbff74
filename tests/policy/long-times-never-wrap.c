/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C13: SFSHM_FOREVER never ends, in whichever field it stands, and a
 * time that ends past the clock's range does not end early.
 */
#include "agent.h"
#include "asker.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

#define DAY UINT64_C(86400000)
/* More milliseconds than 32 bits hold. */
#define LONG (60 * DAY)

static int try_it(void)
{
	return begin(POLICY(.flags = SFSHM_TRY));
}

/* Another process leads the key, under a policy of these words. */
static struct agent *leader(const char *policy)
{
	struct agent *a = agent_start();

	agent_say(a, "clock %llu",
		  (unsigned long long)((sys.now() / NS_PER_MS) - now_ms()));
	agent_answers(a, "ok");
	agent_expect(a, "leader", "begin key %s", policy);
	return a;
}

static void lifetimes(void **state)
{
	(void)state;
	put("value", POLICY(.ttl_ms = SFSHM_FOREVER));
	clock_advance(LONG);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(POLICY(.neg_ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -7, NULL), 0);
	clock_advance(LONG);
	assert_int_equal(get(), -EREMOTEIO);
}

static void stale_times(void **state)
{
	const uint32_t most[] = { SFSHM_FOREVER, SFSHM_FOREVER - 1 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct sfshm_policy keeper = {
			.size = sizeof(keeper),
			.ttl_ms = 1000,
			.grace_ms = most[i],
			.stale_if_error_ms = most[i],
		};
		struct agent *a;

		put("value", &keeper);
		clock_advance(i ? 40 * DAY : LONG);
		a = leader("refresh neg=1000000");
		assert_int_equal(begin(&keeper), SFSHM_CACHED);
		assert_int_equal(result.stale, 1);
		agent_expect(a, "ok", "fail -5");
		assert_int_equal(begin(&keeper), SFSHM_CACHED);
		assert_int_equal(result.code, -5);
		assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	}
}

static void times_that_a_leader_sets(void **state)
{
	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	sfshm_flight_ttl(&flight, SFSHM_FOREVER, 0);
	assert_int_equal(publish("value"), 0);
	clock_advance(LONG);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	sfshm_flight_ttl(&flight, 1, 0);
	sfshm_flight_keep(&flight, SFSHM_FOREVER);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, SFSHM_FOREVER);
	assert_int_equal(publish("value"), 0);
	clock_advance(LONG);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 0);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void leases(void **state)
{
	struct sfshm_slot_info info = { .size = sizeof(info) };
	struct agent *a = leader("age=4294967295");

	(void)state;
	clock_advance(LONG);
	assert_int_equal(try_it(), -EBUSY);
	assert_true(watch_key("key", &info));
	assert_int_equal(info.lease_ms, -1);
	agent_expect(a, "ok", "publish value");
}

/* Another thread finds the key led, by a leader within its lease. */
static void assert_kept(void)
{
	struct asker a = { .policy = { .flags = SFSHM_TRY } };

	asker_start(&a, h, "key");
	asker_join(&a);
	assert_int_equal(a.outcome, -EBUSY);
	sfshm_result_clear(&a.result);
}

static void extended_leases(void **state)
{
	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, SFSHM_FOREVER), 0);
	clock_advance(LONG);
	assert_kept();
	assert_int_equal(publish("value"), 0);

	assert_int_equal(begin(NULL), SFSHM_LEADER);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sfshm_extend(&flight, SFSHM_FOREVER - 1), 0);
		clock_advance(40 * DAY);
		assert_kept();
	}
	assert_int_equal(publish("value"), 0);
}

static void breakers(void **state)
{
	const struct sfshm_policy once = {
		.size = sizeof(once),
		.breaker_deaths = 1,
		.breaker_ms = SFSHM_FOREVER,
	};

	(void)state;
	agent_kill(leader(""));
	assert_int_equal(begin(&once), -EHOSTDOWN);
	clock_advance(LONG);
	assert_int_equal(begin(&once), -EHOSTDOWN);
}

/*
 * The waiter's clock jumps while it sleeps. It is at the kernel's time until
 * then, so that this sleep ends soon, and it looks at its clock.
 */
static void outlasts(const char *wait, const char *key, struct agent *holder,
		     const char *end, const char *answer)
{
	struct agent *waiter = agent_start();
	uint64_t looks;

	agent_expect(waiter, "ok", "clock 0");
	agent_say(waiter, "@one %s %s timeout=4294967295", wait, key);
	await_waiters(key, 1);
	looks = watch_counter("waits");
	agent_expect(waiter, "ok", "clock %llu", (unsigned long long)LONG);
	assert_true(eventually(watch_counter("waits") > looks));
	assert_false(agent_spoke(waiter));
	agent_expect(holder, "ok", "%s", end);
	agent_answers(waiter, answer);
	agent_kill(waiter);
}

static void waits(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key");
	outlasts("begin", "key", a, "publish value", "@one awaited value");
	agent_expect(a, "locked", "lock l");
	outlasts("lock", "l", a, "unlock l", "@one locked");
	agent_expect(a, "ok", "acquire s max=1");
	outlasts("acquire", "s", a, "give-back", "@one ok");
	assert_true(sfshm_deadline_ms(SFSHM_FOREVER) == UINT64_MAX);
}

/* An hour before the clock would begin anew. */
static void at_the_end_of_the_clock(void **state)
{
	struct sfshm_policy two_hours = {
		.size = sizeof(two_hours),
		.flags = SFSHM_TRY,
		.ttl_ms = 7200000,
		.grace_ms = 7200000,
		.breaker_deaths = 1,
		.breaker_ms = 7200000,
	};
	struct agent *a;

	(void)state;
	clock_advance((UINT64_MAX - sys.now()) / NS_PER_MS - 3600000);
	put("value", &two_hours);
	clock_advance(1800000);
	assert_int_equal(get(), SFSHM_CACHED);
	a = leader("refresh age=7200000");
	assert_int_equal(begin(&two_hours), SFSHM_CACHED);
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	assert_int_equal(begin(&two_hours), SFSHM_CACHED);
	clock_advance(600000);
	assert_int_equal(try_it(), -EBUSY);
	agent_kill(a);
	two_hours.grace_ms = 0;
	assert_int_equal(begin(&two_hours), -EHOSTDOWN);
	/* Nor once the key's slot has gone. */
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(begin(&two_hours), -EHOSTDOWN);
	assert_true(sfshm_deadline_ms(7200000) == UINT64_MAX);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(lifetimes),
		in_policy(stale_times),
		in_policy(times_that_a_leader_sets),
		in_policy(leases),
		in_policy(extended_leases),
		in_policy(breakers),
		in_policy(waits),
		in_policy(at_the_end_of_the_clock),
	};

	return test_main(tests);
}
