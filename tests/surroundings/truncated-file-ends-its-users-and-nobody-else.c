/* SPDX-License-Identifier: MIT */
/*
 * A file that somebody shrinks under its users costs them SIGBUS, as with any
 * mapped file: at their next step, or, if they sleep, when they look again, so
 * that none hangs. Its name can be used again at once.
 */
#include <signal.h>

#include "agent.h"
#include "watch.h"

/* Ended by SIGBUS; a sanitizer reports and exits. */
static void assert_ended(struct agent *a)
{
	assert_int_equal(agent_gone(a), SIGBUS);
}

static void users_of(off_t size)
{
	struct agent *leader = agent_start(), *follower = agent_start();
	struct agent *reader = agent_start(), *idle = agent_start();

	agent_expect(leader, "leader", "begin value forever");
	agent_expect(leader, "ok", "publish-bytes 100000 1");
	agent_expect(leader, "leader", "begin key");
	agent_expect(idle, "cached bytes 100000 1", "get value");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	watch_end();

	assert_int_equal(truncate(watch_path(), size), 0);
	if (size < 4096)
		assert_ended(follower);
	agent_say(reader, "get value");
	assert_ended(reader);
	agent_say(leader, "publish-bytes 100000 2");
	assert_ended(leader);
	if (size >= 4096)
		agent_kill(follower);
	/* Who does nothing is not disturbed. */
	agent_expect(idle, "ok", "ping");

	/* Others are told, and have the name. */
	reader = agent_start_bare(0);
	agent_expect(reader, "-EPROTO", "open %s", segment);
	agent_say(reader, "why");
	printf("# of %d bytes: %s\n", (int)size, agent_hear(reader));
	agent_expect(reader, "ok", "unlink %s", segment);
	agent_expect(reader, "ok", "open %s", segment);
	agent_expect(reader, "leader", "begin key");
	agent_expect(reader, "ok", "publish anew");
	agent_expect(reader, "0", "verify");
	agent_say(idle, "get value");
	assert_ended(idle);
	agent_expect(reader, "0", "verify");
}

static void cut_to_nothing(void **state)
{
	(void)state;
	users_of(0);
}

static void cut_after_the_header(void **state)
{
	(void)state;
	users_of(4096);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(cut_to_nothing),
		in_segment(cut_after_the_header),
	};

	if (SLOWNESS > 1)
		return skip_all("a sanitizer makes something else of SIGBUS");
	return test_main(tests);
}
