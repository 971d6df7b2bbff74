/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C6: a caller that waits for a claim is woken by what happens to its
 * own key, and gets what another caller makes of it meanwhile. It takes no wake
 * that another waiter needs, robs no leader that it cannot replace, and circles
 * are found whatever it waits for.
 */
#include <sfshm/tag.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static char upstream[] = "upstream";
#define CLAIM .claim_key = upstream, .claim_key_len = 8

#define CROWD 3

static struct agent *holder;
static struct asker crowd[CROWD];

/* Another process has the claim, and all wait for it. */
static void set_the_scene(const struct sfshm_policy *policy)
{
	sleep_until_woken();
	holder = agent_start();
	agent_expect(holder, "leader", "begin other claim=upstream");
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = (struct asker){ .policy = *policy };
		asker_start(&crowd[i], h, "key");
	}
	await_waiters(upstream, CROWD);
}

/* This caller names no claim key; the others leave the claim to follow it. */
static void lead_meanwhile(void)
{
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	await_waiters("key", CROWD);
	assert_int_equal(watch_waiters(upstream), 0);
}

static void all_get(const char *text)
{
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		assert_int_equal(crowd[i].outcome, SFSHM_AWAITED);
		assert_string_equal(asker_text(&crowd[i]), text);
		sfshm_result_clear(&crowd[i].result);
	}
	assert_sound(h);
}

static void key_is_published(void **state)
{
	(void)state;
	set_the_scene(POLICY(CLAIM));
	lead_meanwhile();
	assert_int_equal(publish("value"), 0);
	all_get("value");
}

static void key_is_published_and_wanted_new(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	set_the_scene(POLICY(CLAIM, .flags = SFSHM_REFRESH));
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	await_waiters("key", CROWD);
	assert_int_equal(publish("new"), 0);
	all_get("new");
}

static void key_fails(void **state)
{
	(void)state;
	set_the_scene(POLICY(CLAIM));
	lead_meanwhile();
	assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		assert_int_equal(crowd[i].outcome, -EREMOTEIO);
		assert_int_equal(crowd[i].result.code, -5);
	}
}

static void key_is_released(void **state)
{
	(void)state;
	set_the_scene(POLICY(CLAIM));
	lead_meanwhile();
	assert_int_equal(sfshm_release(&flight), 0);
	await_waiters(upstream, CROWD);
	lead_meanwhile();
	assert_int_equal(publish("value"), 0);
	all_get("value");
}

static void slot_of_the_key_goes_away(void **state)
{
	(void)state;
	set_the_scene(POLICY(CLAIM));
	assert_int_equal(sfshm_forget(h, "key", 3), 0);
	await_phase("key", SFSHM_PHASE_IDLE);
	lead_meanwhile();
	/* Also while it is led. */
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	await_waiters(upstream, CROWD);
	assert_int_equal(publish("lost"), -ESTALE);
	lead_meanwhile();
	assert_int_equal(publish("value"), 0);
	all_get("value");
}

/* A flight began and ended while the waiter could not look. */
static void slow_waiter_gets_what_it_missed(void **state)
{
	struct agent *waiter = agent_start();

	(void)state;
	holder = agent_start();
	agent_expect(holder, "leader", "begin other claim=upstream");
	agent_say(waiter, "begin key claim=upstream");
	await_waiters(upstream, 1);
	agent_signal(waiter, SIGSTOP);
	agent_stopped(waiter);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(publish("value"), 0);
	agent_signal(waiter, SIGCONT);
	agent_answers(waiter, "awaited value");
}

/* A caller stops when it has the claim, and before it leads. */
static struct agent *stop_with_the_claim(void)
{
	struct agent *slow = agent_start();

	put("old", POLICY(CLAIM, .ttl_ms = SFSHM_FOREVER));
	agent_expect(slow, "ok", "arm flight_claimed 1 STOP");
	agent_say(slow, "begin key refresh claim=upstream");
	agent_stopped(slow);
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_BUSY);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_DONE);
	return slow;
}

static void claim_goes_back_if_the_key_is_led(void **state)
{
	struct agent *slow = stop_with_the_claim();

	(void)state;
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	agent_signal(slow, SIGCONT);
	await_waiters("key", 1);
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_IDLE);
	assert_int_equal(publish("new"), 0);
	agent_answers(slow, "awaited new");
}

static void claim_goes_back_if_the_key_was_published(void **state)
{
	struct agent *slow = stop_with_the_claim();

	(void)state;
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(publish("new"), 0);
	agent_signal(slow, SIGCONT);
	agent_answers(slow, "awaited new");
	assert_int_equal(watch_phase(upstream), SFSHM_PHASE_IDLE);
}

/* A release wakes one follower, which must be able to lead. */
static void wakes_are_left_to_others(void **state)
{
	struct asker plain = { .number = 7 };

	(void)state;
	set_the_scene(POLICY(CLAIM));
	lead_meanwhile();
	asker_start(&plain, h, "key");
	await_waiters("key", CROWD + 1);
	assert_int_equal(sfshm_release(&flight), 0);
	asker_join(&plain);
	assert_int_equal(plain.outcome, SFSHM_COMPUTED);
	agent_expect(holder, "ok", "release");
	for (int i = 0; i < CROWD; i++) {
		asker_join(&crowd[i]);
		assert_in_range(crowd[i].outcome, SFSHM_AWAITED,
				SFSHM_COMPUTED);
		sfshm_result_clear(&crowd[i].result);
	}
	sfshm_result_clear(&plain.result);
}

static void leader_of_the_key_dies(void **state)
{
	struct agent *victim = agent_start();

	(void)state;
	/* This thread attaches here: later that would reap the victim. */
	assert_int_equal(get(), -ENODATA);
	set_the_scene(POLICY(CLAIM));
	agent_expect(victim, "leader", "begin key");
	await_waiters("key", CROWD);
	agent_kill(victim);
	await_waiters(upstream, CROWD);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(watch_counter("takeovers"), 1);
	await_waiters("key", CROWD);
	assert_int_equal(publish("value"), 0);
	all_get("value");
}

/*
 * Its leader is past its time, but nobody here can replace it. What it then
 * publishes is too old for a caller that asked after an invalidation.
 */
static void late_leader_is_not_robbed(void **state)
{
	struct agent *leader = agent_start();
	struct asker a = { .policy = *POLICY(CLAIM) }, later = a;

	(void)state;
	set_the_scene(POLICY(CLAIM));
	agent_expect(leader, "leader", "begin key age=30000");
	agent_expect(leader, "ok", "tag t");
	await_waiters("key", CROWD);
	clock_advance(40000);
	asker_start(&a, h, "key");
	await_waiters(upstream, 1);
	assert_int_equal(sfshm_invalidate_tag(h, "t", 1), 0);
	later.number = 7;
	asker_start(&later, h, "key");
	await_waiters(upstream, 2);
	agent_expect(leader, "invalidated", "publish late");
	all_get("late");
	asker_join(&a);
	assert_string_equal(asker_text(&a), "late");
	sfshm_result_clear(&a.result);
	agent_expect(holder, "ok", "release");
	asker_join(&later);
	assert_int_equal(later.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&later.result);
	assert_int_equal(watch_counter("steals"), 0);
}

/*
 * The late leader's value has a tag that became stale before this caller asked,
 * and after the crowd did.
 */
static void late_value_is_too_old_for_who_asks_later(void **state)
{
	struct agent *leader = agent_start();
	struct asker a = { .policy = *POLICY(CLAIM), .number = 7 };

	(void)state;
	set_the_scene(POLICY(CLAIM));
	/* The case before has set our clock ahead of the agent's by 40 s. */
	agent_expect(leader, "leader", "begin key age=60000");
	agent_expect(leader, "ok", "tag t");
	await_waiters("key", CROWD);
	clock_advance(40000);
	assert_int_equal(sfshm_invalidate_tag(h, "t", 1), 0);
	asker_start(&a, h, "key");
	await_waiters(upstream, 1);
	agent_expect(leader, "invalidated", "publish late");
	all_get("late");
	agent_expect(holder, "ok", "release");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&a.result);
}

/* The claim's holder waits for this thread. */
static void circles_over_the_claim_are_refused(void **state)
{
	struct sfshm_flight mine;
	struct sfshm_result own = SFSHM_RESULT_INIT;

	(void)state;
	set_the_scene(POLICY(CLAIM));
	assert_int_equal(sfshm_begin(h, "mine", 4, NULL, &mine, &own),
			 SFSHM_LEADER);
	agent_say(holder, "begin mine");
	await_waiters("mine", 1);
	assert_int_equal(begin(POLICY(CLAIM)), -EDEADLK);
	lead_meanwhile();
	assert_int_equal(publish("value"), 0);
	all_get("value");
	assert_int_equal(sfshm_publish(&mine, "x", 1), 0);
	agent_answers(holder, "awaited x");
}

/* A waiter for the claim leads what this thread, which leads its key, wants. */
static void circles_over_the_key_are_refused(void **state)
{
	struct agent *waiter = agent_start();
	struct sfshm_flight second;

	(void)state;
	set_the_scene(POLICY(CLAIM));
	agent_expect(waiter, "leader", "begin theirs");
	agent_say(waiter, "@two begin key claim=upstream");
	agent_say(waiter, "begin key claim=upstream");
	await_waiters(upstream, CROWD + 2);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	await_waiters("key", CROWD + 2);
	assert_int_equal(sfshm_begin(h, "theirs", 6, NULL, &second, &result),
			 -EDEADLK);
	assert_int_equal(publish("value"), 0);
	agent_answers_both(waiter, "awaited value", "@two awaited value");
	all_get("value");
}

static void waits_end_as_all_waits_do(void **state)
{
	struct sfshm_cancel token = { 0 };
	struct asker a = { .policy = *POLICY(CLAIM, .cancel = &token) };

	(void)state;
	set_the_scene(POLICY(CLAIM));
	assert_int_equal(begin(POLICY(CLAIM, .flags = SFSHM_TRY)), -EBUSY);
	assert_int_equal(begin(POLICY(CLAIM, .max_waiters = CROWD)), -EAGAIN);
	asker_start(&a, h, "key");
	await_waiters(upstream, CROWD + 1);
	sfshm_cancel_fire(&token);
	asker_join(&a);
	assert_int_equal(a.outcome, -ECANCELED);
	lead_meanwhile();
	assert_int_equal(publish("value"), 0);
	all_get("value");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(key_is_published),
		in_policy(key_is_published_and_wanted_new),
		in_policy(key_fails),
		in_policy(key_is_released),
		in_policy(slot_of_the_key_goes_away),
		in_policy(slow_waiter_gets_what_it_missed),
		in_policy(claim_goes_back_if_the_key_is_led),
		in_policy(claim_goes_back_if_the_key_was_published),
		in_policy(wakes_are_left_to_others),
		in_policy(leader_of_the_key_dies),
		in_policy(late_leader_is_not_robbed),
		in_policy(late_value_is_too_old_for_who_asks_later),
		in_policy(circles_over_the_claim_are_refused),
		in_policy(circles_over_the_key_are_refused),
		in_policy(waits_end_as_all_waits_do),
	};

	return test_main(tests);
}
