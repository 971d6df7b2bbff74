/* SPDX-License-Identifier: MIT */
/*
 * A file that somebody shrinks under its users costs them SIGBUS, as with any
 * mapped file: at their next step, asleep after a slice at most, so that none
 * hangs. Its name can be used again at once.
 */
#include <signal.h>

#include "agent.h"
#include "watch.h"

#define BOUND_MS (500 * SLOWNESS)

/* Ended by SIGBUS; a sanitizer reports and exits. */
static void assert_ended(struct agent *a, uint64_t since)
{
	int status = agent_gone(a);

	assert_in_range(now_ms() - since, 0, BOUND_MS);
	assert_int_equal(status, SIGBUS);
}

static void users_of(off_t size)
{
	struct agent *leader = agent_start(), *follower = agent_start();
	struct agent *reader = agent_start(), *idle = agent_start();
	uint64_t began;

	agent_expect(leader, "leader", "begin value forever");
	agent_expect(leader, "ok", "publish-bytes 100000 1");
	agent_expect(leader, "leader", "begin key");
	agent_expect(idle, "cached bytes 100000 1", "get value");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	watch_end();

	began = now_ms();
	assert_int_equal(truncate(watch_path(), size), 0);
	if (size < 4096)
		assert_ended(follower, began);
	agent_say(reader, "get value");
	assert_ended(reader, now_ms());
	agent_say(leader, "publish-bytes 100000 2");
	assert_ended(leader, now_ms());
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
	assert_ended(idle, now_ms());
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
