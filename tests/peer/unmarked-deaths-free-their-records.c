/* SPDX-License-Identifier: MIT */
/*
 * The kernel marks nothing when a thread other than the main one calls exec().
 * A thread that has proof of the death marks the record in the kernel's place;
 * if it dies meanwhile, the next one does the rest.
 */
#include <signal.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

static void next_one_has_the_record(void **state)
{
	struct agent *a = agent_start_bare(0), *b = agent_start_bare(0);

	(void)state;
	agent_expect(a, "ok", "open %s participants=1", segment);
	agent_expect(b, "ok", "open %s participants=1", segment);
	agent_die_unmarked(a, "begin key");
	agent_expect(b, "leader owner_died", "begin key");
	agent_expect(b, "0", "verify");
}

/* The permits go back, too. */
static void what_it_had_is_given_back(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@t ok", "@t acquire s max=1");
	agent_die_unmarked(a, "begin key");
	agent_expect(b, "ok", "acquire s");
	agent_expect(b, "leader owner_died", "begin key");
	agent_expect(b, "0", "verify");
}

static void who_marks_dies(void **state)
{
	static const char *const points[] = {
		"life_ended",  "door_entered", "door_marked",   "door_locked",
		"reap_locked", "reap_swept",   "door_unlocked",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct agent *a = agent_start(), *b = agent_start();

		agent_expect(b, "-ENODATA", "get key");
		agent_die_unmarked(a, "begin key");
		agent_expect(b, "ok", "arm %s 1 KILL", points[i]);
		agent_say(b, "verify");
		assert_int_equal(agent_gone(b), SIGKILL);
		b = agent_start();
		agent_expect(b, "0", "verify");
		agent_expect(b, "leader owner_died", "begin key");
		agent_expect(b, "ok", "publish value");
		agent_expect(b, "ok", "forget key");
		agent_kill(a);
		agent_kill(b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(next_one_has_the_record),
		in_segment(what_it_had_is_given_back),
		in_segment(who_marks_dies),
	};

	return test_main(tests);
}
