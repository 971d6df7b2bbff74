/* SPDX-License-Identifier: MIT */
/*
 * With more threads than records the last thread gets -EUSERS, and the others
 * go on.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

static void until_somebody_leaves(void **state)
{
	struct agent *a = agent_start_bare(0), *b = agent_start_bare(0);

	(void)state;
	agent_expect(a, "ok", "open %s participants=3", segment);
	agent_expect(b, "ok", "open %s", segment);
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "@t -ENODATA", "@t get key");
	agent_expect(b, "leader", "begin key");
	agent_expect(b, "@t -EUSERS", "@t get key");
	agent_expect(b, "@t -EUSERS", "@t begin key");
	agent_expect(b, "ok", "publish value");

	/* A thread's end makes room. */
	agent_expect(a, "ok", "cancel t");
	agent_expect(b, "@t leader", "@t begin key");
	agent_expect(a, "@u -EUSERS", "@u get key");
	/* So does a death. */
	agent_kill(b);
	agent_expect(a, "@u leader owner_died", "@u begin key");
	agent_expect(a, "-EBUSY", "begin key try");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(until_somebody_leaves),
	};

	return test_main(tests);
}
