/* SPDX-License-Identifier: MIT */
/*
 * If a follower cannot sleep on several words, because of a seccomp filter or
 * an old kernel, it finds a dead leader by polling, soon enough.
 */
#include <signal.h>

#include "agent.h"
#include "asker.h"
#include "os/sys.h"
#include "watch.h"

/* What a sleep that polls is to last at most, ms. */
#define POLL_MS 5
#define ROUNDS 9

/* The first look after the death finds it, and looks are never far apart. */
static void follow_and_take_over(struct agent *follower)
{
	agent_expect(follower, "ok", "note-sleeps");
	for (int i = 0; i < ROUNDS; i++) {
		struct agent *leader = agent_start();
		uint64_t slept;

		agent_expect(leader, "leader", "begin key");
		agent_say(follower, "begin key");
		await_waiters("key", 1);
		agent_kill(leader);
		slept = watch_counter("waits");
		agent_answers(follower, "leader owner_died");
		assert_in_range(watch_counter("waits"), slept, slept + 1);
		agent_expect(follower, "ok", "publish value");
	}
	agent_say(follower, "longest-sleep");
	assert_in_range(atoi(agent_hear(follower)), 1, POLL_MS);
}

/* All the rest works as with it. */
static void follow_and_ride(struct agent *follower)
{
	struct agent *leader = agent_start();

	agent_expect(leader, "leader", "begin key");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish value");
	agent_answers(follower, "awaited value");

	agent_expect(leader, "leader", "begin key");
	agent_expect(follower, "-ETIMEDOUT", "begin key timeout=30");
	agent_say(follower, "begin key token");
	await_waiters("key", 1);
	agent_signal(follower, SIGUSR1);
	agent_answers(follower, "-ECANCELED");
	agent_expect(leader, "ok", "release");
	agent_expect(leader, "0", "verify");
}

static void by_a_seccomp_filter(void **state)
{
	struct agent *follower = agent_start_bare(0);

	(void)state;
	agent_expect(follower, "ok", "deny waitv");
	agent_expect(follower, "no", "has-waitv");
	agent_expect(follower, "ok", "open %s", segment);
	follow_and_take_over(follower);
	follow_and_ride(follower);
}

/* A filter set after the probe had found it allowed. */
static void later_on(void **state)
{
	struct agent *follower = agent_start(), *leader = agent_start();

	(void)state;
	agent_expect(follower, "yes", "has-waitv");
	agent_expect(follower, "ok", "deny waitv");
	agent_expect(leader, "leader", "begin key");
	agent_say(follower, "begin key timeout=200");
	agent_answers(follower, "-ETIMEDOUT");
	/* It slept: a few times, not as fast as it could. */
	assert_in_range(watch_counter("waits"), 1, 200 / (POLL_MS / 2));
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish value");
	agent_answers(follower, "awaited value");
}

static void by_force(void **state)
{
	struct agent *follower = agent_start();

	(void)state;
	agent_expect(follower, "ok", "waitv 0");
	agent_expect(follower, "no", "has-waitv");
	follow_and_take_over(follower);
	follow_and_ride(follower);
	agent_expect(follower, "ok", "waitv -1");
	agent_expect(follower, "yes", "has-waitv");
}

static int publish_to_all(struct sfshm_flight *flight, void *arg)
{
	(void)arg;
	demand(eventually(sfshm_flight_waiters(flight) == 7));
	return sfshm_publish(flight, "value", 5);
}

static void for_threads(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker askers[8] = { 0 };

	(void)state;
	sys_force_waitv(0);
	for (int i = 0; i < 8; i++) {
		askers[i].work = publish_to_all;
		asker_start(&askers[i], h, "key");
	}
	for (int i = 0; i < 8; i++) {
		asker_join(&askers[i]);
		assert_string_equal(asker_text(&askers[i]), "value");
		sfshm_result_clear(&askers[i].result);
	}
	sys_force_waitv(-1);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_a_seccomp_filter),
		in_segment(later_on),
		in_segment(by_force),
		in_segment(for_threads),
	};

	if (!sys_has_waitv())
		return skip_all("this kernel has no futex_waitv");
	return test_main(tests);
}
