/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F4, PROMISE-R9: A leader past its lock age loses the flight to a
 * follower. It gets -ESTALE when it ends the flight, and no caller sees any
 * part of its result.
 */
#include <signal.h>

#include "agent.h"
#include "watch.h"

static void publish_is_refused(void **state)
{
	struct agent *old = agent_start(), *thief = agent_start();

	(void)state;
	agent_expect(old, "leader", "begin key forever");
	agent_expect(old, "ok", "publish good");
	agent_expect(old, "leader", "begin key refresh age=20");
	agent_expect(thief, "leader", "begin key refresh forever");
	assert_int_equal(watch_counter("steals"), 1);
	/* The last good value went with the slot; what is new is to come. */
	agent_expect(thief, "ok", "publish new");
	agent_expect(old, "-ESTALE", "publish old");
	agent_expect(old, "-ESTALE", "publish old");
	agent_expect(old, "cached new", "get key");
	agent_expect(thief, "cached new", "get key");
	assert_int_equal(watch_counter("fenced"), 1);
	agent_expect(old, "0", "verify");
}

static void so_are_fail_and_release(void **state)
{
	struct agent *old = agent_start(), *thief = agent_start();

	(void)state;
	agent_expect(old, "leader", "begin key age=20");
	agent_expect(thief, "leader", "begin key age=20");
	agent_expect(old, "leader", "begin key");
	agent_expect(thief, "-ESTALE", "fail -5 too late");
	agent_expect(thief, "-ESTALE", "release");
	agent_expect(old, "ok", "release");
	agent_expect(thief, "0", "verify");
}

/* The old one is fenced also while the new one is still at work. */
static void before_the_new_result_is_there(void **state)
{
	struct agent *old = agent_start(), *thief = agent_start();
	struct agent *third = agent_start();

	(void)state;
	agent_expect(old, "leader", "begin key age=20");
	agent_expect(thief, "leader", "begin key");
	agent_say(third, "begin key");
	await_waiters("key", 1);
	agent_expect(old, "-ESTALE", "publish old");
	assert_false(agent_spoke(third));
	agent_expect(thief, "ok", "publish new");
	agent_answers(third, "awaited new");
}

/* Who is stopped half-way through its publish comes too late with the rest. */
static void in_the_middle_of_publish(void **state)
{
	struct agent *old = agent_start(), *thief = agent_start();

	(void)state;
	agent_expect(old, "leader", "begin key age=20 forever");
	agent_expect(old, "ok", "arm publish_written 1 STOP");
	agent_say(old, "publish-bytes 3000 1");
	agent_stopped(old);
	agent_expect(thief, "leader", "begin key forever");
	agent_expect(thief, "ok", "publish-bytes 3000 2");
	agent_signal(old, SIGCONT);
	agent_answers(old, "-ESTALE");
	agent_expect(old, "cached bytes 3000 2", "get key");
	agent_expect(old, "0", "verify");
}

/* Between its claim and its start being noted, a leader has its age too. */
static void stopped_before_its_start_is_noted(void **state)
{
	struct agent *old = agent_start(), *thief = agent_start();

	(void)state;
	agent_expect(old, "ok", "arm slot_busy 1 STOP");
	agent_say(old, "begin key age=20");
	agent_stopped(old);
	agent_expect(thief, "leader", "begin key age=20");
	agent_expect(thief, "ok", "publish new");
	agent_signal(old, SIGCONT);
	agent_answers(old, "leader");
	agent_expect(old, "-ESTALE", "publish old");
	agent_expect(old, "0", "verify");
}

/* What the stolen slot held is free again once its leader knows or is dead. */
static void nothing_is_leaked(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct sfshm *h = segment_open(NULL);

	(void)state;
	for (int i = 0; i < 20; i++) {
		agent_expect(a, "leader", "begin key age=1 refresh");
		agent_expect(b, "leader", "begin key refresh");
		if (i == 19)
			agent_kill(a);
		else
			agent_expect(a, "-ESTALE", "publish-bytes 5000 1");
		agent_expect(b, "ok", "publish-bytes 5000 2");
	}
	agent_expect(b, "0", "verify");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(publish_is_refused),
		in_segment(so_are_fail_and_release),
		in_segment(before_the_new_result_is_there),
		in_segment(in_the_middle_of_publish),
		in_segment(stopped_before_its_start_is_noted),
		in_segment(nothing_is_leaked),
	};

	return test_main(tests);
}
