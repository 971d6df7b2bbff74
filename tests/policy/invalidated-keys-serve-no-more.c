/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R9, PROMISE-F4: a value that is invalidated softly is stale from
 * then on. One that is invalidated hard is gone, and a flight under way is
 * taken from its leader. Other keys, and locks, semaphores and saves, stay as
 * they are.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy keeper = {
	.size = sizeof(keeper),
	.ttl_ms = SFSHM_FOREVER,
	.neg_ttl_ms = SFSHM_FOREVER,
	.grace_ms = 60000,
};

static int invalidate(uint32_t flags)
{
	return sfshm_invalidate(h, "key", 3, flags);
}

static void softly_it_is_stale(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	assert_int_equal(invalidate(0), -ENODATA);
	put("old", &keeper);
	clock_advance(5000);
	assert_int_equal(invalidate(0), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(invalidate(0), -ENODATA);
	agent_expect(leader, "leader", "begin key refresh forever");
	/* A flight goes on, and the old value serves who takes that. */
	assert_int_equal(begin(&keeper), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	agent_expect(leader, "ok", "publish new");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
	assert_int_equal(watch_counter("invalidations"), 1);
}

static void also_just_after_it_was_made(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(invalidate(0), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void failures_are_as_well(void **state)
{
	(void)state;
	for (uint32_t hard = 0; hard <= SFSHM_HARD; hard += SFSHM_HARD) {
		assert_int_equal(begin(&keeper), SFSHM_LEADER);
		assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
		assert_int_equal(begin(&keeper), -EREMOTEIO);
		assert_int_equal(invalidate(hard), 0);
		assert_int_equal(begin(&keeper), SFSHM_LEADER);
		assert_int_equal(sfshm_release(&flight), 0);
	}
}

static void hard_it_is_gone(void **state)
{
	uint64_t generation;

	(void)state;
	assert_int_equal(invalidate(SFSHM_HARD), -ENODATA);
	put("old", &keeper);
	generation = result.generation;
	assert_int_equal(invalidate(SFSHM_HARD), 0);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_FREE);
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	assert_true(result.generation > generation);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(invalidate(SFSHM_HARD | 2), -EINVAL);
	assert_int_equal(invalidate(2), -EINVAL);
	assert_int_equal(get(), SFSHM_CACHED);
}

/* Who waits decides anew; the old leader is fenced, and may be us. */
static void a_flight_under_way_is_taken(void **state)
{
	struct agent *leader = agent_start();
	struct asker a = { .policy = { .ttl_ms = SFSHM_FOREVER } };

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_int_equal(invalidate(SFSHM_HARD), 0);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&a.result);
	agent_expect(leader, "-ESTALE", "publish old");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("0");

	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(invalidate(SFSHM_HARD), 0);
	assert_int_equal(sfshm_extend(&flight, 1000), -ESTALE);
	assert_int_equal(publish("late"), -ESTALE);
	assert_int_equal(get(), -ENODATA);
	assert_sound(h);
}

/* A leader that is just beginning has seen nothing that is out of date. */
static void one_that_is_just_beginning_is_not(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "ok", "arm slot_linked 1 STOP");
	agent_say(leader, "begin key");
	agent_stopped(leader);
	assert_int_equal(invalidate(SFSHM_HARD), -ENODATA);
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), 0);
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "leader");
	agent_expect(leader, "ok", "publish value");
	assert_sound(h);
}

/* Nor a key that is not yet to be found: it would be lost half-made. */
static void nor_one_that_is_not_linked_yet(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "ok", "arm slot_keyed 1 STOP");
	agent_say(leader, "begin key forever");
	agent_stopped(leader);
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), 0);
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "leader");
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_sound(h);
}

#define KEYS 300

static void put_all(void)
{
	for (int i = 0; i < KEYS; i++) {
		assert_int_equal(sfshm_begin(h, &i, sizeof(i), &keeper, &flight,
					     &result),
				 SFSHM_LEADER);
		assert_int_equal(publish("value"), 0);
	}
}

static int count(const struct sfshm_policy *policy, int outcome)
{
	int n = 0;

	for (int i = 0; i < KEYS; i++) {
		n += sfshm_begin(h, &i, sizeof(i), policy, &flight, &result) ==
		     outcome;
		(void)sfshm_release(&flight);
	}
	return n;
}

static void all_at_once(void **state)
{
	struct sfshm_flight under_way, claim;

	(void)state;
	put_all();
	assert_int_equal(sfshm_begin(h, "busy", 4, NULL, &under_way, &result),
			 SFSHM_LEADER);
	assert_int_equal(
		sfshm_begin(h, "b", 1,
			    POLICY(.claim_key = "c", .claim_key_len = 1),
			    &claim, &result),
		SFSHM_LEADER);
	assert_int_equal(count(NULL, SFSHM_CACHED), KEYS);
	/* "busy" and "b" with their flights; the claim on "c" is no value. */
	assert_int_equal(sfshm_invalidate_all(h, 0), KEYS + 2);
	assert_int_equal(count(NULL, SFSHM_LEADER), KEYS);
	assert_int_equal(sfshm_publish(&under_way, "v", 1), SFSHM_INVALIDATED);

	put_all();
	assert_int_equal(sfshm_begin(h, "busy", 4, NULL, &under_way, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), KEYS + 2);
	assert_int_equal(sfshm_publish(&under_way, "v", 1), -ESTALE);
	assert_int_equal(
		sfshm_begin(h, "d", 1,
			    POLICY(.claim_key = "c", .claim_key_len = 1),
			    &flight, &result),
		-EDEADLK);
	assert_int_equal(sfshm_publish(&claim, "v", 1), -ESTALE);
	/* To wait for a claim, "d" has got a slot. */
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), 1);
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), 0);
	assert_int_equal(sfshm_invalidate_all(h, 4), -EINVAL);
	assert_int_equal(sfshm_invalidate_all(NULL, 0), -EBADF);
	assert_int_equal(count(NULL, SFSHM_LEADER), KEYS);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(softly_it_is_stale),
		in_policy(also_just_after_it_was_made),
		in_policy(failures_are_as_well),
		in_policy(hard_it_is_gone),
		in_policy(a_flight_under_way_is_taken),
		in_policy(one_that_is_just_beginning_is_not),
		in_policy(nor_one_that_is_not_linked_yet),
		in_policy(all_at_once),
	};

	return test_main(tests);
}
