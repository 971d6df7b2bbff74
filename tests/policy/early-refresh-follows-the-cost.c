/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F1, PROMISE-F6: with beta a caller may refresh a value before its
 * time (XFetch), alone, the likelier the dearer the work was and the nearer the
 * end is.
 *
 * With beta 1, work that took d and r left of the lifetime, a caller refreshes
 * with the probability exp(-r / d). The library notes d in few bits, rounded
 * down: the work here takes a time that these bits hold exactly. The bounds are
 * five deviations.
 */
#include <math.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

#define DRAWS 4000
#define LIFETIME_MS 100000
#define TOOK_MS 17180 /* 4 << 18 units of 16384 ns */

/* A value whose work took that long. */
static void put_dear(const char *text, uint32_t took_ms)
{
	assert_int_equal(
		begin(POLICY(.ttl_ms = LIFETIME_MS, .flags = SFSHM_REFRESH)),
		SFSHM_LEADER);
	clock_advance(took_ms);
	assert_int_equal(publish(text), 0);
}

/* How many of the draws choose to refresh. */
static int refreshes(double beta)
{
	const struct sfshm_policy p = {
		.size = sizeof(p),
		.ttl_ms = LIFETIME_MS,
		.beta = beta,
	};
	int n = 0;

	for (int i = 0; i < DRAWS; i++) {
		int r = begin(&p);

		if (r == SFSHM_LEADER) {
			/* The old value stands, as it was. */
			assert_int_equal(sfshm_release(&flight), 0);
			n++;
		} else {
			assert_int_equal(r, SFSHM_CACHED);
			assert_int_equal(result.stale, 0);
		}
	}
	return n;
}

static void assert_share(int n, double least, double most)
{
	double low = least - 5 * sqrt(least * (1 - least) / DRAWS);
	double high = most + 5 * sqrt(most * (1 - most) / DRAWS);

	if (n < low * DRAWS || n > high * DRAWS)
		fail_msg("%d of %d, not within %.1f and %.1f", n, DRAWS,
			 low * DRAWS, high * DRAWS);
}

static double chance(double left_ms, double took_ms)
{
	return exp(-left_ms / took_ms);
}

static void by_chance_as_the_paper_has_it(void **state)
{
	(void)state;
	/* A little more: the cheap clock goes by steps. */
	put_dear("v", TOOK_MS + 20);
	clock_advance(LIFETIME_MS - 20000);
	assert_share(refreshes(1), chance(20100, TOOK_MS),
		     chance(19800, TOOK_MS));
	/* Twice as eager. */
	assert_share(refreshes(2), chance(20100, 2 * TOOK_MS),
		     chance(19800, 2 * TOOK_MS));
	/* Nearer the end. */
	clock_advance(15000);
	assert_share(refreshes(1), chance(5100, TOOK_MS),
		     chance(4500, TOOK_MS));
	assert_int_equal(watch_counter("early"), watch_counter("releases"));
}

static void cheap_work_hardly_ever(void **state)
{
	(void)state;
	put_dear("v", 100);
	clock_advance(LIFETIME_MS - 20000);
	assert_int_equal(refreshes(1), 0);
}

static void never_without_being_asked_to(void **state)
{
	(void)state;
	put_dear("v", 90000);
	clock_advance(LIFETIME_MS - 20000);
	assert_int_equal(refreshes(0), 0);
	/* Nor who may not lead. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(sfshm_wait(h, "key", 3, POLICY(.beta = 1e9),
					    &result),
				 SFSHM_CACHED);
	/* Nor a value without end. */
	assert_int_equal(
		begin(POLICY(.ttl_ms = SFSHM_FOREVER, .flags = SFSHM_REFRESH)),
		SFSHM_LEADER);
	clock_advance(90000);
	assert_int_equal(publish("w"), 0);
	assert_int_equal(refreshes(1e9), 0);
}

static void one_at_a_time(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put_dear("v", 20000);
	clock_advance(LIFETIME_MS - 1000);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(refreshes(1e9), 0);
	agent_expect(leader, "ok", "release");
	assert_int_equal(refreshes(1e9), DRAWS);
}

/* Who has waited for a value does not refuse it for its cost. */
static void never_by_who_has_waited(void **state)
{
	struct asker a = { .policy = *POLICY(.beta = 1e9) };

	(void)state;
	assert_int_equal(begin(POLICY(.ttl_ms = LIFETIME_MS)), SFSHM_LEADER);
	clock_advance(20000);
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_int_equal(publish("v"), 0);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	sfshm_result_clear(&a.result);
	assert_int_equal(refreshes(1e9), DRAWS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(by_chance_as_the_paper_has_it),
		in_policy(cheap_work_hardly_ever),
		in_policy(never_without_being_asked_to),
		in_policy(one_at_a_time),
		in_policy(never_by_who_has_waited),
	};

	return test_main(tests);
}
