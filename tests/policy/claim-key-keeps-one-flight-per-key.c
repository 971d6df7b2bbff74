/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C6: a key has one flight at a time with a claim key as without one.
 * All callers of the key get its result, whether anything is kept for later
 * callers or not; and what the flights of a key do to it, its breaker and its
 * being uncacheable, is between the callers of that key.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static char upstream[] = "upstream";
#define CLAIM .claim_key = upstream, .claim_key_len = 8
#define BREAKER .breaker_deaths = 3, .breaker_ms = 60000

#define CROWD 8

struct run {
	uint32_t count;
	int code; /* 0: it publishes */
};

/* The first run ends once all others wait; any other run is one too many. */
static int end_when_all_wait(struct sfshm_flight *f, void *arg)
{
	struct run *run = arg;

	if (!fetch_add_acq_rel(&run->count, 1))
		demand(eventually(sfshm_flight_waiters(f) == CROWD - 1));
	return run->code ? sfshm_fail(f, run->code, "no") :
			   sfshm_publish(f, "one", 3);
}

/* All ask under this policy; one of them runs the work. */
static void all_ask(const struct sfshm_policy *policy, int code)
{
	struct asker crowd[CROWD] = { 0 };
	struct run run = { .code = code };
	int led = 0;

	for (int i = 0; i < CROWD; i++) {
		crowd[i].policy = *policy;
		crowd[i].work = end_when_all_wait;
		crowd[i].arg = &run;
		asker_start(&crowd[i], h, "key");
	}
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		led += crowd[i].outcome == SFSHM_COMPUTED;
		if (code)
			assert_int_equal(crowd[i].result.code, code);
		else
			assert_string_equal(asker_text(&crowd[i]), "one");
		sfshm_result_clear(&crowd[i].result);
	}
	assert_int_equal(run.count, 1);
	assert_int_equal(led, code ? 0 : 1);
	assert_sound(h);
}

static void value_that_is_not_kept(void **state)
{
	(void)state;
	all_ask(POLICY(CLAIM), 0);
	all_ask(POLICY(CLAIM), 0);
}

static void failure_that_is_not_kept(void **state)
{
	(void)state;
	all_ask(POLICY(CLAIM), -5);
	all_ask(POLICY(CLAIM), -5);
}

static void value_that_all_want_new(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	all_ask(POLICY(CLAIM, .ttl_ms = SFSHM_FOREVER, .flags = SFSHM_REFRESH),
		0);
}

static void value_after_a_death(void **state)
{
	struct agent *victim = agent_start();
	struct asker a = { .policy = *POLICY(CLAIM) };
	struct asker other = { .policy = *POLICY(CLAIM) };

	(void)state;
	sleep_until_woken();
	agent_expect(victim, "leader", "begin key claim=upstream");
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	asker_start(&other, h, "other");
	await_waiters(upstream, 1);
	agent_kill(victim);
	asker_join(&a);
	asker_join(&other);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	assert_int_equal(a.result.owner_died, 1);
	assert_int_equal(other.outcome, SFSHM_COMPUTED);
	assert_int_equal(watch_counter("loads"), 6);
	sfshm_result_clear(&a.result);
	sfshm_result_clear(&other.result);
	assert_sound(h);
}

/* Its leader dies with the claim, and has not begun to lead the key. */
static void claim_of_the_dead_goes_on(void **state)
{
	struct agent *victim = agent_start();

	(void)state;
	put("old", POLICY(.ttl_ms = 1));
	clock_advance(10);
	agent_expect(victim, "ok", "arm slot_busy 1 KILL");
	agent_say(victim, "begin key claim=upstream refresh");
	agent_gone(victim);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_DONE);
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_BUSY);
	assert_int_equal(begin(POLICY(CLAIM, .flags = SFSHM_TRY)),
			 SFSHM_LEADER);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_IDLE);
	assert_sound(h);
}

static void die(const char *key, int n)
{
	for (int i = 0; i < n; i++) {
		struct agent *victim = agent_start();

		agent_say(victim, "begin %s claim=upstream", key);
		assert_memory_equal(agent_hear(victim), "leader", 6);
		agent_kill(victim);
	}
}

static void breaker_counts_deaths_of_the_key(void **state)
{
	struct agent *holder = agent_start();

	(void)state;
	die("other", 3);
	assert_int_equal(begin(POLICY(CLAIM, BREAKER)), SFSHM_LEADER);
	assert_int_equal(publish("value"), 0);
	die("key", 3);
	assert_int_equal(begin(POLICY(CLAIM, BREAKER)), -EHOSTDOWN);
	/* That is known before the claim is free. */
	agent_expect(holder, "leader owner_died", "begin third claim=upstream");
	assert_int_equal(begin(POLICY(CLAIM, BREAKER)), -EHOSTDOWN);
	assert_sound(h);
}

static void uncacheable_key_needs_no_claim(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_flight second;
	struct sfshm_result other = SFSHM_RESULT_INIT;

	(void)state;
	assert_int_equal(begin(POLICY(CLAIM)), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, 60000);
	assert_int_equal(publish("mine"), 0);
	agent_expect(holder, "leader", "begin other claim=upstream");
	assert_int_equal(begin(POLICY(CLAIM)), SFSHM_LEADER);
	assert_int_equal(result.coordinated, 0);
	assert_int_equal(sfshm_begin(h, "key", 3, POLICY(CLAIM), &second,
				     &other),
			 SFSHM_LEADER);
	assert_int_equal(publish("mine"), 0);
	assert_int_equal(sfshm_release(&second), 0);
	agent_expect(holder, "ok", "publish x");
	assert_sound(h);
}

static void early_refresh_does_not_wait(void **state)
{
	const struct sfshm_policy early =
		*POLICY(CLAIM, .ttl_ms = 60000, .beta = 1e12);
	struct agent *holder = agent_start();

	(void)state;
	assert_int_equal(begin(&early), SFSHM_LEADER);
	clock_advance(10);
	assert_int_equal(publish("value"), 0);
	agent_expect(holder, "leader", "begin other claim=upstream");
	assert_int_equal(begin(&early), SFSHM_CACHED);
	assert_value("value");
	agent_expect(holder, "ok", "release");
	assert_int_equal(begin(&early), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void follower_never_leads(void **state)
{
	struct asker a = { .policy = *POLICY(CLAIM, .flags = SFSHM_FOLLOW) };

	(void)state;
	assert_int_equal(begin(&a.policy), -ENODATA);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_FREE);
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_FREE);
	assert_int_equal(begin(POLICY(CLAIM)), SFSHM_LEADER);
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_int_equal(publish("value"), 0);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	assert_string_equal(asker_text(&a), "value");
	sfshm_result_clear(&a.result);
}

static void claim_keys_are_keys(void **state)
{
	static const char much[SFSHM_KEY_MAX + 1];

	(void)state;
	assert_int_equal(begin(POLICY(.claim_key = "")), -EINVAL);
	assert_int_equal(
		begin(POLICY(.claim_key = much, .claim_key_len = sizeof(much))),
		-ENAMETOOLONG);
	assert_int_equal(begin(POLICY(.claim_key = much,
				      .claim_key_len = SFSHM_KEY_MAX)),
			 SFSHM_LEADER);
	assert_int_equal(publish("value"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(value_that_is_not_kept),
		in_policy(failure_that_is_not_kept),
		in_policy(value_that_all_want_new),
		in_policy(value_after_a_death),
		in_policy(claim_of_the_dead_goes_on),
		in_policy(breaker_counts_deaths_of_the_key),
		in_policy(uncacheable_key_needs_no_claim),
		in_policy(early_refresh_does_not_wait),
		in_policy(follower_never_leads),
		in_policy(claim_keys_are_keys),
	};

	return test_main(tests);
}
