/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C15: A value larger than the segment's largest is no failure in
 * sfshm_do(): its leader gets it, each follower runs the work itself, and
 * nobody gets an error for its size, unless the policy says to keep it.
 */
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

#define CROWD 3
#define LARGE ((1 << 20) + 1)

static uint8_t data[LARGE];

static int publish_large(struct sfshm_flight *f, void *unused)
{
	(void)unused;
	return sfshm_publish(f, data, sizeof(data));
}

/* The leader waits for the crowd; a follower runs the work at once. */
static int publish_once_followed(struct sfshm_flight *f, void *unused)
{
	(void)unused;
	if (sfshm_flight_generation(f))
		demand(eventually(sfshm_flight_waiters(f) == CROWD));
	demand(sfshm_publish(f, data, sizeof(data)) >= 0);
	/* Whatever it returns, the value counts. */
	return -EIO;
}

static void assert_large(const struct sfshm_result *r)
{
	assert_int_equal(r->value.len, LARGE);
	assert_int_equal(value_seed(r->value.data, LARGE), 3);
	assert_int_equal(r->uncached, 1);
	assert_int_equal(r->shared, 0);
	assert_int_equal(r->leader, 1);
	assert_int_equal(r->code, 0);
}

static void and_each_follower_makes_its_own(void **state)
{
	struct asker leader = { .work = publish_once_followed };
	struct asker crowd[CROWD] = { 0 };

	(void)state;
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	for (int i = 0; i < CROWD; i++) {
		crowd[i].work = publish_once_followed;
		asker_start(&crowd[i], h, "key");
	}
	asker_join(&leader);
	assert_int_equal(leader.outcome, SFSHM_COMPUTED);
	assert_int_equal(leader.result.coordinated, 1);
	assert_large(&leader.result);
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		assert_int_equal(crowd[i].outcome, SFSHM_COMPUTED);
		assert_int_equal(crowd[i].result.coordinated, 0);
		assert_large(&crowd[i].result);
		sfshm_result_clear(&crowd[i].result);
	}
	assert_int_equal(watch_counter("too_large"), 1);
	assert_int_equal(watch_counter("uncacheable"), CROWD);
	sfshm_result_clear(&leader.result);
	assert_sound(h);
}

static int do_large(const struct sfshm_policy *policy)
{
	return sfshm_do(h, "key", 3, policy, publish_large, NULL, &result);
}

/* It is newer than the value that it does not replace. */
static void and_nobody_gets_an_older_one(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(do_large(POLICY(.flags = SFSHM_REFRESH)),
			 SFSHM_COMPUTED);
	assert_large(&result);
	assert_int_equal(get(), -ENODATA);
	/* The key is as good as any other. */
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 1);
	assert_int_equal(publish("small"), 0);
	assert_sound(h);
}

static int publish_less(struct sfshm_flight *f, void *unused)
{
	(void)unused;
	demand(sfshm_publish(f, data, sizeof(data)) == -EMSGSIZE);
	return sfshm_publish(f, "less", 4);
}

static void or_is_refused_if_it_must_be_kept(void **state)
{
	const struct sfshm_policy *kept =
		POLICY(.ttl_ms = SFSHM_FOREVER, .flags = SFSHM_KEEP);

	(void)state;
	assert_int_equal(do_large(kept), -EREMOTEIO);
	assert_int_equal(result.code, -EMSGSIZE);
	assert_int_equal(sfshm_do(h, "key", 3, kept, publish_less, NULL,
				  &result),
			 SFSHM_COMPUTED);
	assert_value("less");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("less");
}

static int begins_with(const struct sfshm_result *r, void *byte)
{
	return r->value.len &&
	       *(const uint8_t *)r->value.data == *(const uint8_t *)byte;
}

static void once_it_fits_the_key(void **state)
{
	uint8_t right = data[0], wrong = (uint8_t)~data[0];

	(void)state;
	assert_int_equal(do_large(POLICY(.fits = begins_with, .arg = &wrong)),
			 -EREMOTEIO);
	assert_int_equal(result.code, -EILSEQ);
	assert_int_equal(result.value.len, 0);
	assert_int_equal(do_large(POLICY(.fits = begins_with, .arg = &right)),
			 SFSHM_COMPUTED);
	assert_large(&result);
}

static int lose_it(struct sfshm_flight *f, void *unused)
{
	struct agent *thief = agent_start();

	(void)unused;
	agent_expect(thief, "leader", "begin key forever");
	agent_expect(thief, "ok", "publish new");
	demand(sfshm_publish(f, data, sizeof(data)) == -ESTALE);
	return 0;
}

static void unless_it_was_robbed(void **state)
{
	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, POLICY(.lock_age_ms = 10),
				  lose_it, NULL, &result),
			 -ESTALE);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

/*
 * Without sfshm_do() the leader has the value, and says what others get. A
 * follower that never leads gets nothing.
 */
static void or_is_ended_by_hand(void **state)
{
	struct agent *follower = agent_start(), *pure = agent_start();

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	agent_say(follower, "begin key");
	agent_say(pure, "wait key");
	await_waiters("key", 2);
	assert_int_equal(sfshm_publish(&flight, data, sizeof(data)), -EMSGSIZE);
	sfshm_flight_uncacheable(&flight, 0);
	assert_int_equal(sfshm_publish(&flight, data, sizeof(data)), 0);
	agent_answers(pure, "-ENODATA");
	agent_answers(follower, "leader");
	agent_expect(follower, "ok", "publish own");
	assert_int_equal(get(), -ENODATA);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(and_each_follower_makes_its_own),
		in_policy(and_nobody_gets_an_older_one),
		in_policy(or_is_refused_if_it_must_be_kept),
		in_policy(once_it_fits_the_key),
		in_policy(unless_it_was_robbed),
		in_policy(or_is_ended_by_hand),
	};

	value_fill(data, sizeof(data), 3);
	return test_main(tests);
}
