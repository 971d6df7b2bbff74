/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C1: a caller that accepts stale values replaces a leader that is dead
 * or past its lease, whether or not it would wait. While the leader is well,
 * the caller gets the stale value. A caller that never leads gets it always.
 */
#include <sfshm/resize.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

#define STALE .ttl_ms = 1000, .grace_ms = SFSHM_FOREVER

/* The key has a stale value, which the agent refreshes. */
static struct agent *refresher(const char *command)
{
	struct agent *leader = agent_start();

	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_expect(leader, "leader", "%s", command);
	assert_int_equal(begin(POLICY(STALE)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	return leader;
}

static void a_dead_one_is_replaced(void **state)
{
	struct agent *leader = refresher("begin key refresh");

	(void)state;
	agent_kill(leader);
	assert_int_equal(begin(POLICY(STALE)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(watch_counter("waits"), 0);
	assert_int_equal(publish("new"), 0);
	assert_sound(h);
}

static void by_a_caller_that_only_tries_as_well(void **state)
{
	struct agent *leader = refresher("begin key refresh");

	(void)state;
	agent_kill(leader);
	assert_int_equal(begin(POLICY(STALE, .flags = SFSHM_TRY)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

/* The kernel has marked nothing: the caller asks it, ten times a second. */
static void so_is_one_that_died_unmarked(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_die_unmarked(leader, "begin key refresh");
	assert_int_equal(begin(POLICY(STALE)), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(publish("new"), 0);
	assert_sound(h);
}

/* Its own lease counts, not the caller's. */
static void so_is_one_past_its_lease(void **state)
{
	struct agent *leader = refresher("begin key refresh age=30000");

	(void)state;
	clock_advance(31000);
	assert_int_equal(begin(POLICY(STALE)), SFSHM_LEADER);
	assert_int_equal(watch_counter("steals"), 1);
	agent_expect(leader, "-ESTALE", "publish late");
	assert_int_equal(publish("new"), 0);
	assert_sound(h);
}

/* The first caller notes the start; the second one's lease ends after it. */
static void and_one_that_stopped_before_it_noted_its_start(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_expect(leader, "ok", "arm flight_claimed 1 STOP");
	agent_say(leader, "begin key refresh age=5000");
	agent_stopped(leader);
	assert_int_equal(begin(POLICY(STALE, .lock_age_ms = 5000)),
			 SFSHM_CACHED);
	clock_advance(6000);
	assert_int_equal(begin(POLICY(STALE, .lock_age_ms = 5000)),
			 SFSHM_LEADER);
	assert_int_equal(publish("new"), 0);
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "leader");
	agent_expect(leader, "-ESTALE", "publish late");
	assert_sound(h);
}

static void one_that_never_leads_gets_the_stale_value(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_expect(leader, "leader", "begin key refresh age=1");
	assert_int_equal(begin(POLICY(STALE, .flags = SFSHM_FOLLOW)),
			 SFSHM_CACHED);
	assert_int_equal(watch_counter("steals"), 0);
	agent_expect(leader, "ok", "publish new");
}

/* The value is fresh, and this caller would refresh it early. */
static void an_early_refresher_that_died_is_replaced(void **state)
{
	struct agent *leader = agent_start();
	const struct sfshm_policy *early =
		POLICY(.ttl_ms = 1000000, .beta = 1e12);

	(void)state;
	assert_int_equal(begin(POLICY(.ttl_ms = 1000000)), SFSHM_LEADER);
	/* The work took so long that each caller would refresh early. */
	clock_advance(10000);
	assert_int_equal(publish("old"), 0);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(begin(early), SFSHM_CACHED);
	agent_kill(leader);
	assert_int_equal(begin(POLICY(.ttl_ms = 1000000)), SFSHM_CACHED);
	assert_int_equal(begin(early), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(sfshm_release(&flight), 0);
}

/* With the value in the predecessor, the lead is in the successor. */
static void so_is_one_that_died_in_a_predecessor(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 4096,
	};

	(void)state;
	put("old", POLICY(STALE));
	clock_advance(2000);
	agent_expect(leader, "leader", "begin key refresh");
	assert_int_equal(sfshm_resize(segment, &larger, 1, NULL, NULL),
			 -ETIMEDOUT);
	agent_kill(leader);
	assert_int_equal(begin(POLICY(STALE)), SFSHM_LEADER);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_dead_one_is_replaced),
		in_policy(by_a_caller_that_only_tries_as_well),
		in_policy(so_is_one_that_died_unmarked),
		in_policy(so_is_one_past_its_lease),
		in_policy(and_one_that_stopped_before_it_noted_its_start),
		in_policy(one_that_never_leads_gets_the_stale_value),
		in_policy(an_early_refresher_that_died_is_replaced),
		in_policy(so_is_one_that_died_in_a_predecessor),
	};

	return test_main(tests);
}
