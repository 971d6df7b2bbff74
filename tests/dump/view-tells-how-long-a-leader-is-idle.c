/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R10: a view tells how long ago a flight's live leader was last in a
 * call. Leader B makes no call after it has begun: the other leaders' times are
 * compared with B's, which is read first.
 */
#include "agent.h"
#include "os/sys.h"
#include "watch.h"

#define LATER_MS 100000

static int64_t idle(const char *key)
{
	struct sfshm_slot_info info;

	assert_true(watch_key(key, &info));
	return info.idle_ms;
}

/* Whether the key's leader was in a call after B had begun. */
static bool later_than_b(const char *key)
{
	int64_t b = idle("B");

	return idle(key) < b;
}

static bool says(struct agent *a, const char *line, const char *command)
{
	agent_expect(a, line, "%s", command);
	return true;
}

static uint64_t (*real_now)(void);

static uint64_t later(void)
{
	return real_now() + LATER_MS * NS_PER_MS;
}

static void only_calls_of_its_own_count(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin tied");
	agent_expect(a, "@one leader", "@one begin detached detached");
	agent_expect(a, "@two -ENODATA", "@two get other");
	agent_expect(b, "leader", "begin B");
	assert_true(idle("B") >= 0);
	/* Another thread of the process, for a flight of the process. */
	assert_true(eventually(says(a, "@two -ENODATA", "@two get other") &&
			       later_than_b("detached")));
	assert_false(later_than_b("tied"));
	/* The leader's own thread. */
	assert_true(eventually(says(a, "@one -ENODATA", "@one get other") &&
			       later_than_b("tied")));
	agent_expect(b, "ok", "publish value");
	assert_int_equal(idle("B"), -1);
}

static void extending_counts(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct agent *b = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "mine", 4, NULL, &flight, &result),
			 SFSHM_LEADER);
	agent_expect(b, "leader", "begin B");
	assert_false(later_than_b("mine"));
	assert_true(eventually(!sfshm_extend(&flight, 1000000) &&
			       later_than_b("mine")));
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void who_waits_is_not_idle(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(b, "leader", "begin B");
	agent_expect(a, "leader", "begin A");
	real_now = sys.now;
	sys.now = later;
	assert_true(idle("A") >= LATER_MS / 2);
	agent_say(a, "begin B");
	await_waiters("B", 1);
	assert_int_equal(idle("A"), 0);
	assert_true(idle("B") >= LATER_MS / 2);
	sys.now = real_now;
	agent_expect(b, "ok", "publish value");
	agent_answers(a, "awaited value");
}

static void the_dead_and_holders_have_no_time(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock A");
	agent_expect(b, "leader", "begin B");
	assert_int_equal(idle("A"), -1);
	agent_kill(b);
	assert_int_equal(idle("B"), -1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(only_calls_of_its_own_count),
		in_segment(extending_counts),
		in_segment(who_waits_is_not_idle),
		in_segment(the_dead_and_holders_have_no_time),
	};

	return test_main(tests);
}
