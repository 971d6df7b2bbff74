/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G3, PROMISE-R4: A failed flight's code and message reach every
 * follower.
 */
#include "agent.h"
#include "asker.h"
#include "watch.h"

static void crowd_follows(struct agent **crowd, int n)
{
	for (int i = 0; i < n; i++) {
		crowd[i] = agent_start();
		agent_expect(crowd[i], "ok", "sleep-until-woken");
		agent_say(crowd[i], i % 2 ? "begin key" : "wait key");
	}
	await_waiters("key", (uint32_t)n);
}

static void of_other_processes(void **state)
{
	struct agent *leader = agent_start(), *crowd[8];

	(void)state;
	agent_expect(leader, "leader", "begin key");
	crowd_follows(crowd, 8);
	agent_expect(leader, "ok", "fail -5 the disk is on fire");
	for (int i = 0; i < 8; i++)
		agent_answers(crowd[i], "-EREMOTEIO -5 the disk is on fire");
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_FAILED);
	assert_int_equal(watch_counter("load_errs"), 1);
}

static void that_there_is_no_such_thing(void **state)
{
	struct agent *leader = agent_start(), *crowd[4];

	(void)state;
	agent_expect(leader, "leader", "begin key");
	crowd_follows(crowd, 4);
	agent_expect(leader, "ok", "fail -2 no such user");
	for (int i = 0; i < 4; i++)
		agent_answers(crowd[i], "-ENOENT -2 no such user");
}

static int fail_at_length(struct sfshm_flight *flight, void *arg)
{
	char text[1000];

	demand(eventually(sfshm_flight_waiters(flight) ==
			  *(const uint32_t *)arg));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	demand(sfshm_fail(flight, 0, text) == -EINVAL);
	return sfshm_fail(flight, 77, text);
}

/* Any number is a code; a long message is cut. */
static void of_threads_cut_to_fit(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker askers[5] = { 0 };
	uint32_t waiters = 4;

	(void)state;
	for (int i = 0; i < 5; i++) {
		askers[i].work = fail_at_length;
		askers[i].arg = &waiters;
		asker_start(&askers[i], h, "key");
	}
	for (int i = 0; i < 5; i++) {
		const char *message = askers[i].result.message;

		asker_join(&askers[i]);
		assert_int_equal(askers[i].outcome, -EREMOTEIO);
		assert_int_equal(askers[i].result.code, 77);
		assert_int_equal(strlen(message), SFSHM_MESSAGE_MAX - 1);
		assert_int_equal(strspn(message, "x"), SFSHM_MESSAGE_MAX - 4);
		assert_string_equal(message + SFSHM_MESSAGE_MAX - 4, "...");
		sfshm_result_clear(&askers[i].result);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* A failure takes nothing away from the last good value. */
static void beside_the_last_good_value(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish good");
	agent_expect(a, "leader", "begin key refresh");
	agent_expect(b, "cached good", "begin key");
	agent_say(b, "begin key refresh");
	await_waiters("key", 1);
	agent_expect(a, "ok", "fail -5 not now");
	agent_answers(b, "-EREMOTEIO -5 not now");
	agent_expect(b, "cached good", "get key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_other_processes),
		in_segment(that_there_is_no_such_thing),
		in_segment(of_threads_cut_to_fit),
		in_segment(beside_the_last_good_value),
	};

	return test_main(tests);
}
