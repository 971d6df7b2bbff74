/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R4: if the leaders of a key keep dying, callers with a breaker,
 * sleepers included, get -EHOSTDOWN for a while instead of dying in turn; then
 * one caller may try again. Without a breaker every caller takes its chance.
 */
#include <signal.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

#define BREAKER_OF(n) .breaker_deaths = (n), .breaker_ms = 60000
#define BREAKER BREAKER_OF(3)

/* The key has been the death of N more. */
static void die(int n)
{
	for (int i = 0; i < n; i++) {
		struct agent *victim = agent_start();

		assert_int_equal(strncmp((agent_say(victim, "begin key"),
					  agent_hear(victim)),
					 "leader", 6),
				 0);
		agent_kill(victim);
	}
}

static void for_who_comes_later(void **state)
{
	(void)state;
	die(2);
	assert_int_equal(begin(POLICY(BREAKER_OF(4))), SFSHM_LEADER);
	/* It lived: the row begins anew. */
	assert_int_equal(sfshm_release(&flight), 0);
	die(3);
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
	assert_int_equal(begin(POLICY(BREAKER, .flags = SFSHM_TRY)),
			 -EHOSTDOWN);
	assert_int_equal(watch_counter("broken"), 2);
	assert_int_equal(watch_counter("owner_died"), 5);
	/* Who has a larger measure, or none, leads. */
	assert_int_equal(begin(POLICY(BREAKER_OF(4))), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_fail(&flight, -5, NULL), 0);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

static void for_those_asleep_at_that_death(void **state)
{
	struct agent *victim = agent_start();
	struct asker askers[3] = { 0 };

	(void)state;
	sleep_until_woken();
	die(2);
	agent_expect(victim, "leader owner_died", "begin key");
	for (int i = 0; i < 3; i++) {
		askers[i].policy = *POLICY(BREAKER);
		asker_start(&askers[i], h, "key");
	}
	await_waiters("key", 3);
	agent_kill(victim);
	for (int i = 0; i < 3; i++) {
		asker_join(&askers[i]);
		assert_int_equal(askers[i].outcome, -EHOSTDOWN);
	}
	assert_int_equal(watch_counter("loads"), 3);
}

/* However many notice it, one of them dying over it. */
static void each_death_counts_once(void **state)
{
	struct agent *victim = agent_start(), *heir = agent_start();

	(void)state;
	die(1);
	agent_expect(victim, "leader owner_died", "begin key");
	agent_expect(heir, "ok", "arm death_noted 1 KILL");
	agent_say(heir, "begin key");
	await_waiters("key", 1);
	agent_kill(victim);
	agent_gone(heir);
	assert_int_equal(watch_counter("owner_died"), 2);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

/* Who comes to count it when a leader has lived since counts nothing. */
static void late_comers_count_nothing(void **state)
{
	struct agent *victim = agent_start(), *late = agent_start();
	struct agent *heir = agent_start();

	(void)state;
	agent_expect(victim, "leader", "begin key");
	agent_expect(late, "ok", "arm death_seen 1 STOP");
	agent_say(late, "begin key");
	await_waiters("key", 1);
	agent_kill(victim);
	agent_stopped(late);
	agent_expect(heir, "leader owner_died", "begin key");
	agent_expect(heir, "ok", "publish value");
	agent_signal(late, SIGCONT);
	agent_answers(late, "awaited value");
	assert_int_equal(watch_counter("owner_died"), 1);
	assert_int_equal(begin(POLICY(BREAKER_OF(1), .flags = SFSHM_REFRESH)),
			 SFSHM_LEADER);
	assert_int_equal(result.owner_died, 0);
	assert_int_equal(sfshm_release(&flight), 0);
}

/* Half open: one tries, and decides for how long it stays closed. */
static void until_its_time_is_over(void **state)
{
	struct agent *victim = agent_start();

	(void)state;
	die(3);
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
	clock_advance(61000);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	/* While it is at it the others wait as ever. */
	agent_expect(victim, "-EBUSY", "begin key try");
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 0);
	assert_int_equal(sfshm_release(&flight), 0);

	die(3);
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
	clock_advance(61000);
	/* One more death, and it is open again. */
	die(1);
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
}

/* Nothing is held back that is there. */
static void fresh_values_are_served_all_the_same(void **state)
{
	struct agent *victim;

	(void)state;
	assert_int_equal(begin(POLICY(.ttl_ms = 1000000)), SFSHM_LEADER);
	/* Dear enough to be chosen early. */
	clock_advance(10000);
	assert_int_equal(publish("value"), 0);
	for (int i = 0; i < 3; i++) {
		victim = agent_start();
		assert_int_equal(
			strncmp((agent_say(victim, "begin key refresh"),
				 agent_hear(victim)),
				"leader", 6),
			0);
		agent_kill(victim);
	}
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_CACHED);
	assert_int_equal(begin(POLICY(BREAKER, .flags = SFSHM_REFRESH)),
			 -EHOSTDOWN);
	/* Nor is work that kills chosen early, though it is else. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(begin(POLICY(BREAKER, .beta = 1e12)),
				 SFSHM_CACHED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(for_who_comes_later),
		in_policy(for_those_asleep_at_that_death),
		in_policy(each_death_counts_once),
		in_policy(late_comers_count_nothing),
		in_policy(until_its_time_is_over),
		in_policy(fresh_values_are_served_all_the_same),
	};

	return test_main(tests);
}
