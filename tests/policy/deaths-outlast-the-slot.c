/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C2: a breaker counts on when its key's slot is stolen, evicted or
 * invalidated. Only a caller that forgets the key, or a leader that lives,
 * ends the row of deaths.
 */
#include "agent.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

#define BREAKER .breaker_deaths = 2, .breaker_ms = 60000

/* A leader of the key dies, and a caller notices that. */
static void die(void)
{
	struct agent *victim = agent_start();

	agent_say(victim, "begin key");
	assert_int_equal(strncmp(agent_hear(victim), "leader", 6), 0);
	agent_kill(victim);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY | SFSHM_FOLLOW)),
			 -EOWNERDEAD);
}

/* The key has no slot, and the breaker counts one death and opens at two. */
static void assert_it_counts_on(void)
{
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_FREE);
	assert_int_equal(
		begin(POLICY(.breaker_deaths = 1, .breaker_ms = 60000)),
		-EHOSTDOWN);
	die();
	assert_int_equal(begin(POLICY(BREAKER)), -EHOSTDOWN);
	clock_advance(61000);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(begin(POLICY(BREAKER)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 0);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_sound(h);
}

static void past_a_hard_invalidation(void **state)
{
	(void)state;
	die();
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_it_counts_on();
}

static void past_a_steal(void **state)
{
	struct agent *slow = agent_start();

	(void)state;
	die();
	agent_expect(slow, "leader owner_died", "begin key age=30000");
	clock_advance(31000);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(watch_counter("steals"), 1);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(sfshm_release(&flight), -ESTALE);
	assert_it_counts_on();
}

static void past_an_eviction(void **state)
{
	struct sfshm_options small = { .size = sizeof(small), .slots = 64 };

	(void)state;
	(void)sfshm_close(h);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&small);
	die();
	for (int i = 0; watch_phase("key") != SFSHM_PHASE_FREE; i++) {
		assert_in_range(i, 0, 10000);
		assert_int_equal(sfshm_begin(h, &i, sizeof(i),
					     POLICY(.ttl_ms = 60000), &flight,
					     &result),
				 SFSHM_LEADER);
		assert_int_equal(publish("value"), 0);
	}
	assert_it_counts_on();
}

static void until_the_key_is_forgotten(void **state)
{
	(void)state;
	die();
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(sfshm_forget(h, "key", 3), -ENODATA);
	assert_int_equal(
		begin(POLICY(.breaker_deaths = 1, .breaker_ms = 60000)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	die();
	assert_int_equal(sfshm_purge(h), 1);
	assert_int_equal(
		begin(POLICY(.breaker_deaths = 1, .breaker_ms = 60000)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	/* A purge forgets the deaths of keys that have no slot, too. */
	die();
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(sfshm_purge(h), 0);
	assert_int_equal(
		begin(POLICY(.breaker_deaths = 1, .breaker_ms = 60000)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static struct agent *rival;
static uint64_t (*real_coarse)(void);
static uint32_t left; /* readings of the clock until the leader stops */
static bool rival_leads;

static uint64_t coarse_or_stop(void)
{
	if (left && !--left) {
		agent_say(rival, "begin key try age=1000000");
		rival_leads = !strncmp(agent_hear(rival), "leader", 6);
	}
	return real_coarse();
}

static int begin_slowly(uint32_t n)
{
	int r;

	left = n;
	rival_leads = false;
	real_coarse = sys.coarse;
	sys.coarse = coarse_or_stop;
	r = begin(POLICY(BREAKER, .flags = SFSHM_TRY));
	sys.coarse = real_coarse;
	return r;
}

/* Each slot has been led with a lease of 1 ms. */
static void lease_all_slots(void)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(sfshm_begin(h, &i, sizeof(i),
					     POLICY(.lock_age_ms = 1), &flight,
					     &result),
				 SFSHM_LEADER);
		(void)!publish("value");
	}
}

/* The last death is no start of the leader that comes after it. */
static void and_puts_no_leader_past_its_lease(void **state)
{
	struct sfshm_options small = { .size = sizeof(small), .slots = 8 };

	(void)state;
	(void)sfshm_close(h);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&small);
	rival = agent_start();
	for (uint32_t n = 1; n <= 64; n++) {
		die();
		assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
		lease_all_slots();
		if (begin_slowly(n) == SFSHM_LEADER)
			assert_int_equal(sfshm_release(&flight), 0);
		if (rival_leads)
			agent_expect(rival, "ok", "release");
	}
	assert_int_equal(watch_counter("steals"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(past_a_hard_invalidation),
		in_policy(past_a_steal),
		in_policy(past_an_eviction),
		in_policy(until_the_key_is_forgotten),
		in_policy(and_puts_no_leader_past_its_lease),
	};

	return test_main(tests);
}
