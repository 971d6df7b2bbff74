/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P4: A flight of a process (SFSHM_DETACHED) may be stolen while any
 * record of the process has it. The process then ends it in vain, in any
 * thread, and its slots come free.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

/* Stopped after the move, for longer than its lease. */
static void stolen_in_any_record(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin key detached age=20");
	agent_say(b, "begin key");
	agent_answers(b, "leader");
	agent_expect(a, "-ESTALE", "publish-of one late");
	agent_expect(a, "@one -ESTALE", "@one publish late");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
	assert_int_equal(watch_counter("fenced"), 1);
}

/*
 * Another thread than the one that began them finds them stolen. Their slots do
 * not pile up.
 */
static void stolen_again_and_again(void **state)
{
	const struct sfshm_options small = { .slots = 6 };
	struct agent *a, *b;

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&small);
	a = agent_start();
	b = agent_start();
	for (int i = 0; i < 12; i++) {
		agent_expect(a, "@one leader", "@one begin key detached age=1");
		agent_expect(b, "leader", "begin key");
		agent_expect(a, "-ESTALE", "publish-of one late");
		agent_expect(b, "ok", "release");
	}
	agent_expect(b, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(stolen_in_any_record),
		in_policy(stolen_again_and_again),
	};

	return test_main(tests);
}
