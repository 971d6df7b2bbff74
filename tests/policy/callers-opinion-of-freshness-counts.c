/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F1: a value within its lifetime serves unless the caller's own check
 * says no. Then that caller leads, or waits for a newer value, and no other
 * caller notices.
 */
#include <sched.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

/*
 * A check that wants values of at least a number; counts its calls, and thinks
 * about one of them until it is told to go on.
 */
struct wish {
	int least;
	uint32_t asked;
	uint32_t ponders; /* that call; 0: none */
	uint32_t go;
};

static int at_least(const struct sfshm_result *r, void *arg)
{
	struct wish *wish = arg;
	char text[16] = "";

	if (fetch_add_relaxed(&wish->asked, 1) + 1 == wish->ponders)
		while (!load_acquire(&wish->go))
			sched_yield();
	memcpy(text, r->value.data, r->value.len);
	return atoi(text) >= wish->least;
}

static struct sfshm_policy wishing(struct wish *wish)
{
	struct sfshm_policy p = SFSHM_POLICY_INIT;

	p.fresh = at_least;
	p.arg = wish;
	p.ttl_ms = SFSHM_FOREVER;
	return p;
}

static void a_refused_value_is_replaced(void **state)
{
	struct wish wish = { .least = 5 };
	struct sfshm_policy p = wishing(&wish);

	(void)state;
	put("4", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(begin(&p), SFSHM_LEADER);
	assert_int_equal(watch_counter("refused"), 1);
	/* It stays what it is for those who have no such wish. */
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("4");
	assert_int_equal(publish("5"), 0);
	assert_int_equal(begin(&p), SFSHM_CACHED);
	assert_value("5");
	assert_int_equal(wish.asked, 2);
}

/* There is a 3, which will not do; the leader of the next value. */
static struct agent *let_it_wait(struct asker *a)
{
	struct agent *leader = agent_start();

	put("3", POLICY(.ttl_ms = SFSHM_FOREVER));
	agent_expect(leader, "leader", "begin key refresh forever");
	asker_start(a, h, "key");
	await_waiters("key", 1);
	return leader;
}

/* What others make is looked at as well: a third run, and no endless wait. */
static void also_one_that_was_waited_for(void **state)
{
	struct wish wish = { .least = 5 };
	struct asker a = { .policy = wishing(&wish), .number = 7 };
	struct agent *leader = let_it_wait(&a);

	(void)state;
	agent_expect(leader, "ok", "publish 4");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_string_equal(asker_text(&a), "7");
	assert_int_equal(wish.asked, 2);
	sfshm_result_clear(&a.result);
}

static void it_waits_for_a_newer_one(void **state)
{
	struct wish wish = { .least = 5 };
	struct asker a = { .policy = wishing(&wish) };
	struct agent *leader = let_it_wait(&a);

	(void)state;
	agent_expect(leader, "ok", "publish 6");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	assert_string_equal(asker_text(&a), "6");
	sfshm_result_clear(&a.result);
}

/* Who thinks about a value has done with waiting for it. */
static void nobody_waits_meanwhile(void **state)
{
	struct wish wish = { .least = 5, .ponders = 2 };
	struct asker a = { .policy = wishing(&wish) };
	struct agent *leader = let_it_wait(&a);

	(void)state;
	agent_expect(leader, "ok", "publish 6");
	assert_true(eventually(load_relaxed(&wish.asked) == 2));
	assert_int_equal(watch_waiters("key"), 0);
	store_release(&wish.go, 1);
	asker_join(&a);
	assert_string_equal(asker_text(&a), "6");
	sfshm_result_clear(&a.result);
}

/* Who may not lead has nothing then; who may not wait neither. */
static void it_makes_no_leader_of_a_follower(void **state)
{
	struct wish wish = { .least = 5 };
	struct sfshm_policy p = wishing(&wish);
	struct agent *leader = agent_start();

	(void)state;
	put("3", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(sfshm_wait(h, "key", 3, &p, &result), -ENODATA);
	agent_expect(leader, "leader", "begin key refresh forever");
	p.flags = SFSHM_TRY;
	assert_int_equal(begin(&p), -EBUSY);
	/* It is not fresh enough, but it serves as a stale one. */
	p.grace_ms = SFSHM_FOREVER;
	assert_int_equal(begin(&p), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	agent_expect(leader, "ok", "release");
}

/* It is about fresh values: what is stale is known to be. */
static void stale_values_are_not_shown_to_it(void **state)
{
	struct wish wish = { .least = 5 };
	struct sfshm_policy p = wishing(&wish);
	struct agent *leader = agent_start();

	(void)state;
	put("3", POLICY(.ttl_ms = 1000));
	clock_advance(5000);
	agent_expect(leader, "leader", "begin key refresh");
	p.grace_ms = SFSHM_FOREVER;
	assert_int_equal(begin(&p), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(wish.asked, 0);
	agent_expect(leader, "ok", "release");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_refused_value_is_replaced),
		in_policy(also_one_that_was_waited_for),
		in_policy(it_waits_for_a_newer_one),
		in_policy(nobody_waits_meanwhile),
		in_policy(it_makes_no_leader_of_a_follower),
		in_policy(stale_values_are_not_shown_to_it),
	};

	return test_main(tests);
}
