/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S2: a process takes permits, gives them back and changes the
 * maximum, and dies at each kill point of that. Sleepers go on without waiting
 * for their slice, no permit is lost, and no more are held than the maximum.
 */
#include "agent.h"
#include "testing.h"
#include "watch.h"

/* Max is 2. One holds a permit, one has the other and dies, one sleeps. */
static void dies_at(const char *point, int passage, const char *doing)
{
	struct agent *one = agent_start(), *victim = agent_start();
	struct agent *sleeper = agent_start();
	bool taking = !strcmp(doing, "acquire s");

	agent_expect(one, "ok", "acquire s max=2");
	agent_expect(sleeper, "ok", "sleep-until-woken");
	agent_expect(taking ? one : victim, "ok", "acquire s");
	agent_expect(victim, "ok", "arm %s %d KILL", point, passage);
	agent_say(sleeper, "acquire s");
	await_waiters("s", 1);
	if (taking) {
		/* Before the sleeper has noticed. */
		agent_signal(sleeper, SIGSTOP);
		agent_stopped(sleeper);
		agent_expect(one, "ok", "give-back");
	}
	agent_say(victim, "%s", doing);
	assert_int_equal(agent_gone(victim), SIGKILL);
	agent_signal(sleeper, SIGCONT);
	agent_answers(sleeper, "ok");
	agent_expect(sleeper, "0", "verify");
	agent_expect(sleeper, "ok", "give-back");
	agent_expect(one, "ok", "give-back");
	for (int i = 0; i < 2; i++)
		agent_expect(one, "ok", "acquire s try");
	if (strcmp(point, "max_changed") != 0)
		agent_expect(sleeper, "-EBUSY", "acquire s try");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void permit_noted(void **state)
{
	(void)state;
	dies_at("permit_noted", 1, "acquire s");
}

static void permit_taken(void **state)
{
	(void)state;
	dies_at("permit_taken", 1, "acquire s");
}

static void permit_freed(void **state)
{
	(void)state;
	dies_at("permit_freed", 1, "give-back");
}

static void max_changed(void **state)
{
	(void)state;
	dies_at("max_changed", 1, "set-max s 3");
}

/*
 * Another semaphore's sleeper is the one that the kernel wakes: it sees to the
 * right one's.
 */
static void max_changed_with_another_asleep_first(void **state)
{
	struct agent *holder = agent_start(), *victim = agent_start();
	struct agent *other = agent_start(), *sleeper = agent_start();

	(void)state;
	agent_expect(holder, "ok", "acquire t max=1");
	agent_expect(holder, "ok", "acquire s max=1");
	agent_expect(other, "ok", "sleep-until-woken");
	agent_say(other, "acquire t");
	await_waiters("t", 1);
	agent_expect(sleeper, "ok", "sleep-until-woken");
	agent_say(sleeper, "acquire s");
	await_waiters("s", 1);
	agent_expect(victim, "ok", "arm max_changed 1 KILL");
	agent_say(victim, "set-max s 2");
	assert_int_equal(agent_gone(victim), SIGKILL);
	agent_answers(sleeper, "ok");
	assert_false(agent_spoke(other));
	agent_expect(sleeper, "0", "verify");
}

/* In the sweep of its own things, as a thread that ends. */
static void permit_swept(void **state)
{
	(void)state;
	dies_at("permit_swept", 1, "close");
}

static void detach_swept(void **state)
{
	(void)state;
	dies_at("detach_swept", 1, "close");
}

/* While it makes the semaphore: the next one makes it. */
static void making(void **state)
{
	static const char *const points[] = {
		"slot_claimed",    "slot_linked",  "slot_busy",
		"arena_chained",   "arena_handed", "publish_written",
		"publish_flipped",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct agent *victim = agent_start(), *next = agent_start();

		agent_expect(victim, "ok", "arm %s 1 KILL", points[i]);
		agent_say(victim, "acquire s%zu max=1", i);
		assert_int_equal(agent_gone(victim), SIGKILL);
		agent_expect(next, "ok", "acquire s%zu max=1 try", i);
		agent_expect(next, "-EBUSY", "acquire s%zu max=1 try", i);
		agent_expect(next, "0", "verify");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(permit_noted),
		in_segment(permit_taken),
		in_segment(max_changed_with_another_asleep_first),
		in_segment(permit_freed),
		in_segment(max_changed),
		in_segment(permit_swept),
		in_segment(detach_swept),
		in_segment(making),
	};

	return test_main(tests);
}
