/* SPDX-License-Identifier: MIT */
/*
 * A caller may stop anywhere between its look at a flight and its look at when
 * that flight began. By then the flight may be over. The caller leaves alone
 * what stands there: the stamp that the slot is freed by, or the start of a
 * later flight, whose leader would lose its lease.
 */
#include "agent.h"
#include "os/sys.h"
#include "policy.h"

#define STALE .ttl_ms = 1000, .grace_ms = SFSHM_FOREVER

/* So often the caller reads a clock before it answers, or less often. */
#define MOST_READS 12

static struct agent *leader;
static uint64_t (*real_now)(void), (*real_coarse)(void);
static uint32_t left; /* clock readings until the caller stops; 0: it goes on */
static void (*meanwhile)(void);

static void stop_if_due(void)
{
	if (left && !--left)
		meanwhile();
}

static uint64_t now_or_stop(void)
{
	stop_if_due();
	return real_now();
}

static uint64_t coarse_or_stop(void)
{
	stop_if_due();
	return real_coarse();
}

/* Calls under this policy, and stops at the nth reading of a clock. */
static int begin_slowly(uint32_t n, void (*what)(void),
			const struct sfshm_policy *policy)
{
	int r;

	meanwhile = what;
	real_now = sys.now;
	real_coarse = sys.coarse;
	left = n;
	sys.now = now_or_stop;
	sys.coarse = coarse_or_stop;
	r = begin(policy);
	sys.now = real_now;
	sys.coarse = real_coarse;
	return r;
}

/* The agent refreshes the key, which has a stale value. */
static void refresh(const char *command)
{
	leader = agent_start();
	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_expect(leader, "leader", "%s", command);
}

static void the_key_is_forgotten(void)
{
	agent_expect(leader, "ok", "publish new");
	agent_expect(leader, "ok", "forget key");
}

static void another_flight_begins(void)
{
	agent_expect(leader, "ok", "publish new");
	agent_expect(leader, "leader", "begin key refresh age=1000000");
}

/* The call's answer depends on where the caller stopped; any will do. */
static void call_slowly(uint32_t n, void (*what)(void))
{
	int r = begin_slowly(n, what, POLICY(STALE, .lock_age_ms = 500));

	assert_true(r == SFSHM_LEADER || r == SFSHM_CACHED);
	if (r == SFSHM_LEADER)
		assert_int_equal(sfshm_release(&flight), 0);
}

static void a_slot_keeps_its_stamp(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= MOST_READS; n++) {
		refresh("begin key refresh");
		call_slowly(n, the_key_is_forgotten);
		assert_sound(h);
		if (left)
			agent_expect(leader, "ok", "publish new");
		agent_kill(leader);
		(void)!sfshm_purge(h);
	}
}

static void the_next_flight_keeps_its_lease(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= MOST_READS; n++) {
		refresh("begin key refresh age=1000000");
		call_slowly(n, another_flight_begins);
		clock_advance(1000);
		/* Its lease is its leader's, not this caller's. */
		if (!left)
			assert_int_equal(begin(POLICY(STALE, .lock_age_ms = 500,
						      .flags = SFSHM_TRY)),
					 SFSHM_CACHED);
		agent_expect(leader, "ok", "publish new");
		agent_kill(leader);
		assert_int_equal(sfshm_forget(h, "key", 3), 0);
	}
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_slot_keeps_its_stamp),
		in_policy(the_next_flight_keeps_its_lease),
	};

	return test_main(tests);
}
