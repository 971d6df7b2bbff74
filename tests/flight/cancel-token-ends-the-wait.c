/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F6, PROMISE-R5: A fired token ends the waits that were given it, and
 * nothing else.
 */
#include <signal.h>

#include "agent.h"
#include "asker.h"
#include "watch.h"

static void fired_by_another_thread(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "@one begin key token");
	agent_say(a, "@two begin key");
	await_waiters("key", 2);
	agent_say(a, "fire");
	agent_answers_both(a, "ok", "@one -ECANCELED");
	await_waiters("key", 1);
	/* It stays fired until it is reset. */
	agent_expect(a, "@one -ECANCELED", "@one wait key token");
	agent_expect(a, "ok", "reset");
	agent_say(a, "@one wait key token");
	await_waiters("key", 2);
	assert_int_equal(watch_counter("cancels"), 2);

	agent_expect(leader, "ok", "publish value");
	agent_answers_both(a, "@one awaited value", "@two awaited value");
}

static void fired_by_a_signal_handler(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "begin key token");
	await_waiters("key", 1);
	agent_signal(a, SIGUSR1);
	agent_answers(a, "-ECANCELED");
	agent_expect(leader, "0", "waiters");
	agent_expect(leader, "ok", "publish value");
}

/* Signals as such end nothing. */
static void signals_without_a_token_do_not(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	for (int i = 0; i < 20; i++) {
		agent_signal(a, SIGUSR1);
		agent_asleep(a);
	}
	await_waiters("key", 1);
	assert_false(agent_spoke(a));
	agent_expect(leader, "ok", "publish value");
	agent_answers(a, "awaited value");
}

/* A token ends waits; what needs none goes on. */
static void a_fired_token_hinders_no_hit(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "fire");
	agent_expect(a, "leader", "begin key token forever");
	agent_expect(a, "ok", "publish value");
	agent_expect(a, "cached value", "begin key token");
}

static int wait_until_alone(struct sfshm_flight *flight, void *arg)
{
	(void)arg;
	demand(eventually(sfshm_flight_waiters(flight) == 8));
	sfshm_cancel_fire(arg);
	demand(eventually(sfshm_flight_waiters(flight) == 0));
	return sfshm_publish(flight, "value", 5);
}

/* One token for many waits. */
static void all_waits_that_have_it(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_cancel token = { 0 };
	struct asker leader = { .work = wait_until_alone, .arg = &token };
	struct asker crowd[8] = { 0 };

	(void)state;
	sleep_until_woken();
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	for (int i = 0; i < 8; i++) {
		crowd[i].policy.cancel = &token;
		asker_start(&crowd[i], h, "key");
	}
	for (int i = 0; i < 8; i++) {
		asker_join(&crowd[i]);
		assert_int_equal(crowd[i].outcome, -ECANCELED);
	}
	asker_join(&leader);
	assert_int_equal(leader.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&leader.result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(fired_by_another_thread),
		in_segment(fired_by_a_signal_handler),
		in_segment(signals_without_a_token_do_not),
		in_segment(a_fired_token_hinders_no_hit),
		in_segment(all_waits_that_have_it),
	};

	return test_main(tests);
}
