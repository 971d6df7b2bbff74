/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F10: with a claim key, callers for different keys run one after the
 * other, and each has its own value. Another caller gets the claim however its
 * holder ends (PROMISE-G1, PROMISE-R2), and is part of one wait (PROMISE-F6,
 * PROMISE-F7, PROMISE-R5).
 */
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static char upstream[] = "upstream";
#define CLAIM .claim_key = upstream, .claim_key_len = 8

static int begin_key(const char *key, const struct sfshm_policy *policy)
{
	return sfshm_begin(h, key, strlen(key), policy, &flight, &result);
}

struct busy {
	uint32_t now, most, runs;
};

#define ASKERS 9
#define ASKERS_PER_KEY 3

/* Alone at it, it is hoped, while all that have no value yet wait. */
static int work_alone(struct sfshm_flight *f, void *arg)
{
	struct busy *busy = arg;
	uint32_t n = fetch_add_acq_rel(&busy->now, 1) + 1, waiting;

	if (n > load_relaxed(&busy->most))
		store_relaxed(&busy->most, n);
	waiting =
		ASKERS - 1 - ASKERS_PER_KEY * fetch_add_relaxed(&busy->runs, 1);
	demand(eventually(sfshm_flight_waiters(f) == waiting));
	fetch_add_acq_rel(&busy->now, -1u);
	return sfshm_publish(f, "v", 1);
}

static void several_keys_run_one_after_the_other(void **state)
{
	static const char *const keys[] = { "a", "b", "c" };
	struct asker askers[ASKERS] = { 0 };
	struct busy busy = { 0 };

	(void)state;
	for (int i = 0; i < ASKERS; i++) {
		askers[i].policy = *POLICY(CLAIM, .ttl_ms = SFSHM_FOREVER);
		askers[i].work = work_alone;
		askers[i].arg = &busy;
		asker_start(&askers[i], h, keys[i % 3]);
	}
	for (int i = 0; i < ASKERS; i++) {
		asker_join(&askers[i]);
		assert_in_range(askers[i].outcome, SFSHM_CACHED,
				SFSHM_COMPUTED);
		assert_string_equal(asker_text(&askers[i]), "v");
		sfshm_result_clear(&askers[i].result);
	}
	assert_int_equal(busy.most, 1);
	assert_int_equal(busy.runs, 3);
	/* Keys and claims are apart: one may have the other's name. */
	assert_int_equal(begin_key("upstream", NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

static void hits_ask_for_no_claim(void **state)
{
	struct sfshm_result other = SFSHM_RESULT_INIT;
	struct sfshm_flight second;

	(void)state;
	put("value", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(begin_key("b", POLICY(CLAIM)), SFSHM_LEADER);
	assert_int_equal(sfshm_begin(h, "key", 3, POLICY(CLAIM), &second,
				     &other),
			 SFSHM_CACHED);
	/* Who does not name the claim is not concerned. */
	assert_int_equal(sfshm_begin(h, "c", 1, NULL, &second, &other),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&second), 0);
	/* This thread has it: another wait for it would never end. */
	assert_int_equal(sfshm_begin(h, "d", 1, POLICY(CLAIM), &second, &other),
			 -EDEADLK);
	assert_int_equal(publish("b"), 0);
	assert_int_equal(sfshm_begin(h, "d", 1, POLICY(CLAIM), &second, &other),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&second, -5, NULL), 0);
	assert_int_equal(begin_key("e", POLICY(CLAIM)), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	sfshm_result_clear(&other);
}

static void its_holder_dies(void **state)
{
	struct agent *holder = agent_start();
	struct asker a = { .policy = *POLICY(CLAIM) };

	(void)state;
	agent_expect(holder, "leader", "begin other claim=upstream");
	assert_int_equal(begin(POLICY(CLAIM, .flags = SFSHM_TRY)), -EBUSY);
	asker_start(&a, h, "key");
	assert_true(eventually(watch_counter("waits") > 0));
	agent_kill(holder);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_int_equal(a.result.owner_died, 1);
	sfshm_result_clear(&a.result);
	/* And where nobody waited. */
	holder = agent_start();
	agent_expect(holder, "leader owner_died", "begin other claim=upstream");
	agent_kill(holder);
	assert_int_equal(begin(POLICY(CLAIM, .flags = SFSHM_TRY)),
			 SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(publish("value"), 0);
	assert_sound(h);
}

static int work_for_ever(struct sfshm_flight *f, void *arg)
{
	(void)f;
	store_release((uint32_t *)arg, 1);
	for (;;)
		cancellable_nap();
	return 0;
}

static void its_holder_is_cancelled(void **state)
{
	uint32_t works = 0;
	struct asker a = { .policy = *POLICY(CLAIM),
			   .work = work_for_ever,
			   .arg = &works };

	(void)state;
	asker_start(&a, h, "other");
	assert_true(eventually(load_acquire(&works)));
	assert_int_equal(begin(POLICY(CLAIM, .flags = SFSHM_TRY)), -EBUSY);
	pthread_cancel(a.thread);
	assert_int_equal(begin(POLICY(CLAIM)), SFSHM_LEADER);
	asker_join(&a);
	assert_false(a.returned);
	assert_int_equal(publish("value"), 0);
}

/*
 * It waits for the claim, and then for the key's leader: no sleep is to end
 * later than two seconds after the first one began.
 */
static void waits_once_for_both(struct agent *leader)
{
	struct asker a = { .policy = *POLICY(CLAIM, .wait_timeout_ms = 2000) };

	sleeps_note();
	asker_start(&a, h, "key");
	await_waiters("upstream", 1);
	agent_expect(leader, "leader", "begin key");
	await_waiters("key", 1);
	asker_join(&a);
	assert_int_equal(a.outcome, -ETIMEDOUT);
	assert_true(sleeps.until_ns <= sleeps.first_ns + UINT64_C(2000000000));
	sfshm_result_clear(&a.result);
}

/* Both waits together take no longer than one is meant to. */
static void time_outs_count_once(void **state)
{
	struct agent *holder = agent_start(), *leader = agent_start();

	(void)state;
	/* No bent clock here, for the kernel's is not. */
	put("old", POLICY(.ttl_ms = 1));
	assert_true(eventually(get() == -ENODATA));
	agent_expect(holder, "leader", "begin other claim=upstream");
	assert_int_equal(begin(POLICY(CLAIM, .wait_timeout_ms = 20)),
			 -ETIMEDOUT);
	assert_int_equal(begin(POLICY(CLAIM, .wait_timeout_ms = 20,
				      .flags = SFSHM_STALE_ON_TIMEOUT)),
			 SFSHM_AWAITED);
	assert_value("old");
	assert_int_equal(result.stale, 1);

	waits_once_for_both(leader);
	agent_expect(holder, "ok", "release");
	/* It has left nothing at the claim. */
	assert_int_equal(begin_key("other", POLICY(CLAIM, .flags = SFSHM_TRY)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	agent_expect(leader, "ok", "release");
}

/* The leader's deadline is that of both, and it sees who waits for either. */
static void extending_it_and_seeing_who_waits(void **state)
{
	struct asker a = { .policy = *POLICY(CLAIM) };
	struct sfshm_cancel token = { 0 };

	(void)state;
	assert_int_equal(begin_key("b", POLICY(CLAIM, .lock_age_ms = 30000)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_extend(&flight, 90000), 0);
	assert_int_equal(sfshm_abandoned(&flight), 0);
	clock_advance(40000);
	a.policy.cancel = &token;
	asker_start(&a, h, "key");
	assert_true(eventually(sfshm_flight_waiters(&flight) == 1));
	assert_int_equal(sfshm_abandoned(&flight), 0);
	sfshm_cancel_fire(&token);
	asker_join(&a);
	assert_int_equal(a.outcome, -ECANCELED);
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(sfshm_abandoned(&flight), 1);

	clock_advance(60000);
	a.policy.cancel = NULL;
	a.returned = false;
	asker_start(&a, h, "key");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_int_equal(watch_counter("steals"), 1);
	sfshm_result_clear(&a.result);
	/* It was the claim that was taken: it is told. */
	assert_int_equal(sfshm_extend(&flight, 1000), -ESTALE);
	assert_int_equal(publish("late"), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(several_keys_run_one_after_the_other),
		in_policy(hits_ask_for_no_claim),
		in_policy(its_holder_dies),
		in_policy(its_holder_is_cancelled),
		in_policy(time_outs_count_once),
		in_policy(extending_it_and_seeing_who_waits),
	};

	return test_main(tests);
}
