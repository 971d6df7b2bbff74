/* SPDX-License-Identifier: MIT */
/*
 * A daemon that closes all descriptors drops the library's byte locks. Others
 * then suspect it, which may cost it a flight and nothing else.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

static void flight_may_be_taken_and_is_fenced(void **state)
{
	struct agent *daemon = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(daemon, "leader", "begin key forever");
	agent_expect(daemon, "ok", "close-range");
	agent_expect(a, "leader", "begin key forever");
	assert_int_equal(watch_counter("suspects"), 1);
	assert_int_equal(watch_counter("steals"), 1);
	agent_expect(a, "ok", "publish new");
	agent_expect(daemon, "-ESTALE", "publish old");
	agent_expect(daemon, "cached new", "get key");
	agent_expect(a, "0", "verify");
}

/* Whoever asks for nothing of its has no reason to suspect it. */
static void all_else_goes_on(void **state)
{
	struct agent *daemon = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(daemon, "-ENODATA", "get key");
	agent_expect(daemon, "ok", "close-range");
	/* Memory is reserved without a descriptor. */
	for (int i = 0; i < 20; i++) {
		agent_expect(daemon, "leader", "begin key-%d forever", i);
		agent_expect(daemon, "ok", "publish-bytes 300000 %d", i);
	}
	agent_expect(a, "cached bytes 300000 7", "get key-7");
	agent_expect(a, "leader", "begin mine");
	agent_say(daemon, "begin mine");
	await_waiters("mine", 1);
	agent_expect(a, "ok", "publish yours");
	agent_answers(daemon, "awaited yours");
	assert_int_equal(watch_counter("suspects"), 0);
	/* Its death is proven as ever. */
	agent_expect(daemon, "leader", "begin last");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "begin last");
	await_waiters("last", 1);
	agent_kill(daemon);
	agent_answers(a, "leader owner_died");
}

/* The locks of a process whose descriptors are whole tell that it lives. */
static void nobody_else_is_suspected(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();
	struct sfshm_view *view;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	/* Opening again, viewing and closing drop no lock. */
	agent_expect(leader, "ok", "open %s", segment);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	sfshm_view_close(view);
	agent_say(a, "begin key");
	assert_true(eventually(watch_counter("rechecks") >= 3));
	assert_int_equal(watch_counter("suspects"), 0);
	agent_expect(leader, "ok", "publish value");
	agent_answers(a, "awaited value");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(flight_may_be_taken_and_is_fenced),
		in_segment(all_else_goes_on),
		in_segment(nobody_else_is_suspected),
	};

	return test_main(tests);
}
