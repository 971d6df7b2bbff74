/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R2: forget and purge remove a key whose leader is dead, though nobody
 * waits for it; they leave the key of a living leader alone.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

/* An old value is there, and the leader that was to renew it is dead. */
static struct agent *dead_leader_of(const char *key)
{
	struct agent *leader = agent_start(), *a = agent_start();

	agent_expect(a, "leader", "begin %s forever", key);
	agent_expect(a, "ok", "publish old");
	agent_expect(leader, "leader", "begin %s refresh", key);
	agent_kill(leader);
	return a;
}

static void by_forget(void **state)
{
	struct agent *a = dead_leader_of("key");

	(void)state;
	agent_expect(a, "ok", "forget key");
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "-ENODATA", "forget key");
	agent_expect(a, "0", "verify");
}

static void by_purge(void **state)
{
	struct agent *a = dead_leader_of("key");

	(void)state;
	agent_expect(a, "1", "purge");
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "0", "verify");
}

static void but_not_of_the_living(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	agent_expect(a, "-EBUSY", "forget key");
	agent_expect(a, "0", "purge");
	agent_expect(leader, "-EBUSY", "forget key");
	agent_expect(leader, "0", "purge");
	agent_expect(leader, "ok", "publish value");
	agent_expect(a, "cached value", "get key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_forget),
		in_segment(by_purge),
		in_segment(but_not_of_the_living),
	};

	return test_main(tests);
}
