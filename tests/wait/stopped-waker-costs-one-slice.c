/* SPDX-License-Identifier: MIT */
/*
 * A leader that ends a flight and is stopped before it has woken anybody keeps
 * nobody from the result: sleepers look again by themselves, and so does the
 * next caller.
 */
#include <signal.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

static void stopped_at(const char *point, const char *end, const char *answer)
{
	struct agent *leader = agent_start(), *followers[3];

	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 3; i++) {
		followers[i] = agent_start();
		agent_say(followers[i], "begin key");
	}
	await_waiters("key", 3);
	for (int i = 0; i < 3; i++)
		agent_asleep(followers[i]);
	agent_expect(leader, "ok", "arm %s 1 STOP", point);
	agent_say(leader, "%s", end);
	agent_stopped(leader);
	for (int i = 0; i < 3; i++)
		agent_answers(followers[i], answer);
	assert_true(watch_counter("rechecks") > 0);
	assert_false(agent_spoke(leader));
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "ok");
	agent_expect(leader, "0", "verify");
}

static void of_a_value(void **state)
{
	(void)state;
	stopped_at("publish_flipped", "publish value", "awaited value");
}

static void of_a_failure(void **state)
{
	(void)state;
	stopped_at("fail_flipped", "fail -5 no", "-EREMOTEIO -5 no");
}

/* A killed one's wakes are made by whoever sweeps up after it. */
static void killed_at(const char *point, const char *end, const char *answer)
{
	struct agent *leader = agent_start(), *a = agent_start();

	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "arm %s 1 KILL", point);
	agent_say(leader, "%s", end);
	assert_int_equal(agent_gone(leader), SIGKILL);
	agent_answers(a, answer);
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void or_killed_before_it_wakes(void **state)
{
	(void)state;
	killed_at("publish_flipped", "publish value", "awaited value");
}

static void or_killed_before_it_wakes_for_a_failure(void **state)
{
	(void)state;
	killed_at("fail_flipped", "fail -5 no", "-EREMOTEIO -5 no");
}

static void or_killed_before_it_wakes_for_its_release(void **state)
{
	(void)state;
	killed_at("release_flipped", "release", "leader");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_a_value),
		in_segment(of_a_failure),
		in_segment(or_killed_before_it_wakes),
		in_segment(or_killed_before_it_wakes_for_a_failure),
		in_segment(or_killed_before_it_wakes_for_its_release),
	};

	return test_main(tests);
}
