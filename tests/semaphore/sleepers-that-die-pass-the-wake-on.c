/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S2: if a sleeper dies as it is woken for a permit, the next one is
 * woken, down to the last.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

#define SLEEPERS 5

/* Who has got it before the last one does is killed for that. */
static bool last_has_it(struct agent **sleepers, bool *gone)
{
	for (int i = 0; i < SLEEPERS - 1; i++) {
		if (gone[i] || !agent_spoke(sleepers[i]))
			continue;
		agent_kill(sleepers[i]);
		gone[i] = true;
	}
	return agent_spoke(sleepers[SLEEPERS - 1]);
}

/* Each but the last is killed at `point` once it is woken. */
static void all_but_one_die_at(const char *point, const char *how)
{
	struct agent *holder = agent_start(), *sleepers[SLEEPERS];
	bool gone[SLEEPERS] = { false };

	agent_expect(holder, "ok", "acquire s max=1");
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = agent_start();
		agent_expect(sleepers[i], "ok", "sleep-until-woken");
		if (i < SLEEPERS - 1)
			agent_expect(sleepers[i], "ok", "arm %s 1 KILL", point);
		agent_say(sleepers[i], "acquire s");
		await_waiters("s", (uint32_t)i + 1);
	}
	if (how)
		agent_expect(holder, "ok", "%s", how);
	else
		agent_kill(holder);
	assert_true(eventually(last_has_it(sleepers, gone)));
	agent_answers(sleepers[SLEEPERS - 1], "ok");
	agent_expect(sleepers[SLEEPERS - 1], "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void woken_by_a_release(void **state)
{
	(void)state;
	all_but_one_die_at("wait_woken", "give-back");
}

static void woken_by_a_death(void **state)
{
	(void)state;
	all_but_one_die_at("wait_woken", NULL);
}

static void with_the_permit_taken(void **state)
{
	(void)state;
	all_but_one_die_at("permit_taken", "give-back");
}

static void with_the_dead_ones_permit_taken(void **state)
{
	(void)state;
	all_but_one_die_at("permit_taken", NULL);
}

static void as_reapers_at_the_start(void **state)
{
	(void)state;
	all_but_one_die_at("reap_locked", NULL);
}

static void as_reapers_in_between(void **state)
{
	(void)state;
	all_but_one_die_at("permit_swept", NULL);
}

static void as_reapers_at_the_end(void **state)
{
	(void)state;
	all_but_one_die_at("reap_swept", NULL);
}

/* Killed from outside, asleep. */
static void asleep(void **state)
{
	struct agent *holder = agent_start(), *last = agent_start();

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_expect(last, "ok", "sleep-until-woken");
	agent_say(last, "acquire s");
	await_waiters("s", 1);
	for (int i = 0; i < 8; i++) {
		struct agent *sleeper = agent_start();

		agent_say(sleeper, "acquire s");
		await_waiters("s", 2);
		agent_kill(sleeper);
	}
	agent_expect(holder, "ok", "give-back");
	agent_answers(last, "ok");
	agent_expect(last, "0", "verify");
}

/* A thread of the holder's own process sleeps first, and dies with it. */
static void together_with_the_holder(void **state)
{
	struct agent *holder = agent_start(), *last = agent_start();

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_say(holder, "@one acquire s");
	await_waiters("s", 1);
	agent_say(holder, "@two acquire s");
	await_waiters("s", 2);
	agent_expect(last, "ok", "sleep-until-woken");
	agent_say(last, "acquire s");
	await_waiters("s", 3);
	agent_kill(holder);
	agent_answers(last, "ok");
	agent_expect(last, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(woken_by_a_release),
		in_segment(woken_by_a_death),
		in_segment(with_the_permit_taken),
		in_segment(with_the_dead_ones_permit_taken),
		in_segment(as_reapers_at_the_start),
		in_segment(as_reapers_in_between),
		in_segment(as_reapers_at_the_end),
		in_segment(asleep),
		in_segment(together_with_the_holder),
	};

	return test_main(tests);
}
