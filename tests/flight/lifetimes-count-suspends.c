/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C13: results age while the host is suspended, whoever looks first at
 * its end; leases, breakers and deadlines stand still meanwhile.
 */
#include "agent.h"
#include "watch.h"

#define HOUR 3600000
#define MINUTES "600000"

static struct sfshm_result result = SFSHM_RESULT_INIT;
static struct sfshm_flight flight;

static const struct sfshm_policy policy = {
	.size = sizeof(policy),
	.flags = SFSHM_TRY,
	.ttl_ms = HOUR / 6,
	.neg_ttl_ms = HOUR / 6,
	.grace_ms = HOUR / 2,
	.stale_if_error_ms = HOUR / 2,
};

static int begin(struct sfshm *h)
{
	return sfshm_begin(h, "key", 3, &policy, &flight, &result);
}

static int get(struct sfshm *h)
{
	return sfshm_get(h, "key", 3, &result);
}

static uint32_t suspended; /* this process, so far: ms */

/* The host, with all its processes. */
static void suspend(struct agent *other, uint32_t ms)
{
	agent_expect(other, "ok", "suspend %u", ms);
	clock_suspend(ms);
	suspended += ms;
}

/* Another process of this host. */
static struct agent *process(struct agent *other)
{
	agent_expect(other, "ok", "suspend %u", suspended);
	return other;
}

static void values_age(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *other = process(agent_start());
	struct sfshm_slot_info info;

	(void)state;
	/* Both have read the clock before. */
	agent_expect(other, "leader", "begin its ttl=" MINUTES);
	agent_expect(other, "ok", "publish value");
	assert_int_equal(begin(h), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	agent_expect(other, "cached value", "get key");
	assert_int_equal(sfshm_get(h, "its", 3, &result), SFSHM_CACHED);
	suspend(other, HOUR / 12);
	assert_int_equal(get(h), SFSHM_CACHED);
	assert_in_range(result.age_ns / 1000000, HOUR / 12, HOUR / 6);
	assert_true(watch_key("key", &info));
	assert_in_range(info.age_ms, HOUR / 12, HOUR / 6);
	agent_expect(other, "cached value", "get key");
	suspend(other, HOUR / 12);
	assert_int_equal(get(h), -ENODATA);
	assert_int_equal(sfshm_get(h, "its", 3, &result), -ENODATA);
	agent_expect(other, "-ENODATA", "get key");
	agent_expect(other, "-ENODATA", "get its");
	assert_int_equal(sfshm_close(h), 0);
}

/* A process that comes to the segment only after that. */
static void for_newcomers_too(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *late = process(agent_start_bare(0));

	(void)state;
	assert_int_equal(begin(h), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	suspend(late, HOUR / 12);
	agent_expect(late, "ok", "open %s", segment);
	agent_expect(late, "cached value", "get key");
	suspend(late, HOUR / 12);
	agent_expect(late, "-ENODATA", "get key");
	assert_int_equal(sfshm_close(h), 0);
}

static void failures_age(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *other = process(agent_start());

	(void)state;
	assert_int_equal(begin(h), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -7, NULL), 0);
	agent_expect(other, "-EREMOTEIO -7 ", "get key");
	suspend(other, HOUR / 6);
	assert_int_equal(get(h), -ENODATA);
	agent_expect(other, "-ENODATA", "get key");
	assert_int_equal(sfshm_close(h), 0);
}

static void stale_values_age(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *other = process(agent_start());

	(void)state;
	assert_int_equal(begin(h), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	suspend(other, HOUR / 3);
	agent_expect(other, "leader", "begin key neg=1000000000");
	assert_int_equal(begin(h), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	suspend(other, HOUR / 3);
	assert_int_equal(begin(h), -EBUSY);
	agent_expect(other, "ok", "fail -5");
	assert_int_equal(begin(h), -EREMOTEIO);
	assert_int_equal(sfshm_close(h), 0);
}

/* Or else each leader would be robbed when the host resumes. */
static void leases_stand_still(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *other = process(agent_start());
	struct sfshm_slot_info info;

	(void)state;
	agent_expect(other, "leader", "begin key age=" MINUTES);
	suspend(other, HOUR);
	assert_int_equal(begin(h), -EBUSY);
	assert_true(watch_key("key", &info));
	assert_in_range(info.lease_ms, 1, HOUR / 6);
	assert_in_range(info.age_ms, 0, HOUR / 6);
	agent_expect(other, "ok", "publish value");
	assert_int_equal(sfshm_close(h), 0);
}

static void breakers_stand_still(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *other = process(agent_start());
	struct sfshm_policy once = policy;

	(void)state;
	once.breaker_deaths = 1;
	once.breaker_ms = HOUR / 6;
	agent_expect(other, "leader", "begin key");
	agent_kill(other);
	assert_int_equal(sfshm_begin(h, "key", 3, &once, &flight, &result),
			 -EHOSTDOWN);
	clock_suspend(HOUR);
	suspended += HOUR;
	assert_int_equal(sfshm_begin(h, "key", 3, &once, &flight, &result),
			 -EHOSTDOWN);
	assert_int_equal(sfshm_close(h), 0);
}

static void deadlines_stand_still(void **state)
{
	struct agent *leader = agent_start(), *waiter = agent_start();
	uint64_t looks;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(waiter, "ok", "clock 0");
	agent_say(waiter, "@one begin key timeout=" MINUTES);
	await_waiters("key", 1);
	suspend(leader, HOUR);
	agent_expect(waiter, "ok", "suspend %u", HOUR);
	looks = watch_counter("rechecks");
	assert_true(eventually(watch_counter("rechecks") > looks + 1));
	assert_false(agent_spoke(waiter));
	agent_expect(leader, "ok", "publish value");
	agent_answers(waiter, "@one awaited value");
}

static int teardown(void **state)
{
	sfshm_result_clear(&result);
	return segment_teardown(state);
}

#define in_host(f) cmocka_unit_test_setup_teardown(f, segment_setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_host(values_age),
		in_host(for_newcomers_too),
		in_host(failures_age),
		in_host(stale_values_age),
		in_host(leases_stand_still),
		in_host(breakers_stand_still),
		in_host(deadlines_stand_still),
	};

	return test_main(tests);
}
