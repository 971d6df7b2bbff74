/* SPDX-License-Identifier: MIT */
/*
 * A process that opens its segment as root and then becomes another user, as
 * servers do, goes on with the segment that it has open, and others notice its
 * death as ever. It opens nothing of root's anew.
 */
#include "agent.h"
#include "watch.h"

#define USER 54321

static struct agent *server_start(void)
{
	struct agent *a = agent_start();

	agent_expect(a, "leader", "begin value forever refresh");
	agent_expect(a, "ok", "publish before");
	agent_expect(a, "ok", "setuid %d %d", USER, USER);
	return a;
}

static void goes_on(void **state)
{
	struct agent *a = server_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "cached before", "get value");
	/* New threads attach. */
	agent_expect(a, "@t leader", "@t begin key forever");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_expect(a, "@t ok", "@t publish-bytes 900000 1");
	agent_answers(b, "awaited bytes 900000 1");
	agent_expect(a, "0", "verify");
}

/* Root's thread may not be sent a signal any more; it lives nevertheless. */
static void knows_the_living(void **state)
{
	struct agent *a = server_start(), *b = agent_start();

	(void)state;
	agent_expect(b, "leader", "begin key");
	agent_expect(a, "-ETIMEDOUT", "begin key timeout=300");
	agent_expect(b, "ok", "publish first");
	assert_int_equal(watch_counter("suspects"), 0);
	assert_int_equal(watch_counter("owner_died"), 0);
}

/* The one that waits looks at the dead once, if at all. */
static void takes_over(struct agent *dying, struct agent *a, const char *death)
{
	uint64_t rechecks;

	agent_expect(dying, "@t leader", "@t begin key");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_say(dying, "@t %s", death);
	if (!strcmp(death, "exec"))
		assert_true(eventually(agent_threads(dying) == 1));
	else
		agent_gone(dying);
	rechecks = watch_counter("rechecks");
	agent_answers(a, "leader owner_died");
	assert_in_range(watch_counter("rechecks") - rechecks, 0, 1);
	agent_expect(a, "ok", "publish second");
	agent_expect(a, "0", "verify");
	assert_int_equal(watch_counter("steals"), 0);
}

/* Also of deaths that are not marked; asking for a thread needs no right. */
static void is_told_of_deaths(void **state)
{
	(void)state;
	takes_over(agent_start(), server_start(), "signal KILL");
	takes_over(agent_start(), server_start(), "exec");
}

static void is_noticed_itself(void **state)
{
	(void)state;
	takes_over(server_start(), agent_start(), "signal KILL");
	takes_over(server_start(), agent_start(), "exec");
}

static void opens_nothing_of_roots(void **state)
{
	struct agent *a = server_start();

	(void)state;
	agent_expect(a, "-EPERM", "open %s", watch_path());
	agent_expect(a, "-EPERM", "unlink %s", watch_path());
	agent_expect(a, "-EPERM", "resize %s slots=64", watch_path());
}

static bool is_shut_out(struct agent *a)
{
	agent_say(a, "@t get value");
	return !strcmp(agent_hear(a), "@t -ESHUTDOWN");
}

/* A successor is one more file of root's. What it leads it can still end. */
static void does_not_follow_a_resize(void **state)
{
	struct agent *a = server_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin flight forever");
	agent_say(b, "resize %s slots=64", segment);
	assert_true(eventually(is_shut_out(a)));
	assert_false(agent_spoke(b));
	agent_expect(a, "ok", "publish value");
	agent_answers(b, "ok");
	agent_expect(a, "-ESHUTDOWN", "get value");
	agent_expect(b, "cached before", "get value");
	agent_expect(b, "cached value", "get flight");
	agent_expect(b, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(goes_on),
		in_segment(knows_the_living),
		in_segment(is_told_of_deaths),
		in_segment(is_noticed_itself),
		in_segment(opens_nothing_of_roots),
		in_segment(does_not_follow_a_resize),
	};

	if (geteuid() != 0)
		return skip_all("to become another user takes root");
	return test_main(tests);
}
