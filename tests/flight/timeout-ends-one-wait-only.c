/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F6, PROMISE-R5: A caller's deadline ends its own wait only, and the
 * flight goes on for all others.
 */
#include "agent.h"
#include "asker.h"
#include "watch.h"

static void of_processes(void **state)
{
	struct agent *leader = agent_start();
	struct agent *hasty = agent_start(), *patient = agent_start();
	uint64_t began;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(patient, "begin key");
	await_waiters("key", 1);
	began = now_ms();
	agent_expect(hasty, "-ETIMEDOUT", "begin key timeout=50");
	assert_true(now_ms() - began >= 49);
	agent_expect(hasty, "-ETIMEDOUT", "wait key timeout=1");
	assert_int_equal(watch_counter("timeouts"), 2);
	await_waiters("key", 1);
	assert_false(agent_spoke(patient));

	agent_expect(leader, "ok", "publish value");
	agent_answers(patient, "awaited value");
}

/*
 * A deadline longer than a sleep's slice is not cut short by it, nor is it
 * rounded up to one: the last sleep is to end with it.
 */
static bool sleeps_until_its_deadline(struct sfshm *h)
{
	struct asker hasty = { .policy.deadline_ns = sfshm_deadline_ms(333) };

	sleeps_note();
	asker_start(&hasty, h, "key");
	asker_join(&hasty);
	assert_int_equal(hasty.outcome, -ETIMEDOUT);
	assert_true(now_ms() >= hasty.policy.deadline_ns / 1000000);
	assert_in_range(sleeps.until_ns, 0, hasty.policy.deadline_ns);
	sfshm_result_clear(&hasty.result);
	return sleeps.until_ns == hasty.policy.deadline_ns;
}

/*
 * On a busy machine a thread may be past its deadline before it sleeps again.
 */
static void deadlines_are_met_to_the_ns(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm *h = segment_open(NULL);
	int tries = 0;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	while (!sleeps_until_its_deadline(h))
		assert_in_range(++tries, 1, 50);
	assert_int_equal(sfshm_close(h), 0);
}

/* What is there is given, however late it is asked for. */
static void a_past_deadline_hinders_no_hit(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever timeout=0");
	agent_expect(b, "-ETIMEDOUT", "begin key timeout=0");
	agent_expect(a, "ok", "publish value");
	agent_expect(b, "cached value", "begin key timeout=0");
}

static int wait_until_alone(struct sfshm_flight *flight, void *arg)
{
	struct sfshm_cancel *gone = arg;

	demand(eventually(sfshm_flight_waiters(flight) == 1 &&
			  load_acquire(&gone->word) == 4));
	return sfshm_publish(flight, "value", 5);
}

static void of_threads(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_cancel gone = { 0 };
	struct asker leader = { .work = wait_until_alone, .arg = &gone };
	struct asker patient = { 0 }, hasty[4] = { 0 };

	(void)state;
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	asker_start(&patient, h, "key");
	for (int i = 0; i < 4; i++) {
		hasty[i].policy.deadline_ns = sfshm_deadline_ms(20);
		asker_start(&hasty[i], h, "key");
	}
	for (int i = 0; i < 4; i++) {
		asker_join(&hasty[i]);
		assert_int_equal(hasty[i].outcome, -ETIMEDOUT);
		fetch_add_acq_rel(&gone.word, 1);
	}
	asker_join(&leader);
	asker_join(&patient);
	assert_int_equal(patient.outcome, SFSHM_AWAITED);
	assert_string_equal(asker_text(&patient), "value");
	sfshm_result_clear(&leader.result);
	sfshm_result_clear(&patient.result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes),
		in_segment(deadlines_are_met_to_the_ns),
		in_segment(a_past_deadline_hinders_no_hit),
		in_segment(of_threads),
	};

	return test_main(tests);
}
