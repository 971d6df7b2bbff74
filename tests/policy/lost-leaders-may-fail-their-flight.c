/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C17: with SFSHM_FAIL_IF_LOST a leader that dies, ends or is
 * cancelled fails its flight, and the followers share that. Later callers
 * lead; and a leader that lives ends its flight as ever.
 */
#include <pthread.h>

#include <sfshm/do.h>
#include <sfshm/pin.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

#define LOST "-EREMOTEIO -130 "

static struct agent *leader, *one, *two;

static void lead_with_followers(const char *policy)
{
	leader = agent_start();
	one = agent_start();
	two = agent_start();
	agent_expect(leader, "leader", "begin key fail-if-lost %s", policy);
	agent_expect(one, "ok", "sleep-until-woken");
	agent_expect(two, "ok", "sleep-until-woken");
	agent_say(one, "begin key");
	agent_say(two, "begin key");
	await_waiters("key", 2);
	agent_asleep(one);
	agent_asleep(two);
}

static void followers_share_a_death(void **state)
{
	(void)state;
	lead_with_followers("");
	agent_kill(leader);
	agent_answers(one, LOST);
	agent_answers(two, LOST);
	assert_int_equal(watch_counter("owner_died"), 1);
	assert_int_equal(watch_counter("takeovers"), 0);
	/* It was theirs alone. */
	agent_expect(one, "leader owner_died", "begin key");
	agent_expect(one, "ok", "publish 1");
	assert_sound(h);
}

static void an_old_value_stays(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = SFSHM_FOREVER));
	leader = agent_start();
	agent_expect(leader, "leader", "begin key refresh fail-if-lost");
	agent_kill(leader);
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("old");
}

/* Whoever reaps the dead one does the same as a follower. */
static void whoever_finds_it(void **state)
{
	(void)state;
	lead_with_followers("");
	agent_signal(one, SIGSTOP);
	agent_stopped(one);
	agent_signal(two, SIGSTOP);
	agent_stopped(two);
	agent_kill(leader);
	/* A thread that attaches takes the dead one's record. */
	agent_expect(agent_start(), "-ENODATA", "get nothing");
	await_phase("key", SFSHM_PHASE_FAILED);
	agent_signal(one, SIGCONT);
	agent_signal(two, SIGCONT);
	agent_answers(one, LOST);
	agent_answers(two, LOST);
}

/* A caller that has not waited leads. */
static void later_callers_lead(void **state)
{
	static const uint32_t flags[] = { 0, SFSHM_TRY };

	(void)state;
	for (int i = 0; i < 2; i++) {
		leader = agent_start();
		agent_expect(leader, "leader", "begin key fail-if-lost");
		agent_kill(leader);
		assert_int_equal(begin(POLICY(.flags = flags[i])),
				 SFSHM_LEADER);
		assert_int_equal(publish("1"), 0);
	}
}

static uint32_t at;

static int wait_to_be_cancelled(struct sfshm_flight *f, void *unused)
{
	(void)f;
	(void)unused;
	store_release(&at, 1);
	while (pause())
		;
	return 0;
}

static void *lead_in_do(void *unused)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;

	(void)unused;
	(void)!sfshm_do(h, "key", 3, POLICY(.flags = SFSHM_FAIL_IF_LOST),
			wait_to_be_cancelled, NULL, &own);
	return NULL;
}

/* The thread ends with its flight open. */
static void *lead_and_end(void *unused)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	struct sfshm_flight f;

	(void)unused;
	demand(sfshm_begin(h, "key", 3, POLICY(.flags = SFSHM_FAIL_IF_LOST), &f,
			   &own) == SFSHM_LEADER);
	store_release(&at, 1);
	while (pause())
		;
	return NULL;
}

static void share_a_cancellation(void *(*how)(void *))
{
	pthread_t thread;

	store_relaxed(&at, 0);
	one = agent_start();
	pthread_create(&thread, NULL, how, NULL);
	assert_true(eventually(load_acquire(&at) == 1));
	agent_say(one, "begin key");
	await_waiters("key", 1);
	agent_asleep(one);
	pthread_cancel(thread);
	agent_answers(one, LOST);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(watch_counter("owner_died"), 0);
	assert_sound(h);
}

static void cancelled_in_the_work(void **state)
{
	(void)state;
	share_a_cancellation(lead_in_do);
}

static void ended_with_an_open_flight(void **state)
{
	(void)state;
	share_a_cancellation(lead_and_end);
}

static void a_living_leader_ends_it_as_ever(void **state)
{
	(void)state;
	lead_with_followers("");
	agent_expect(leader, "ok", "publish 1");
	agent_answers(one, "awaited 1");
	agent_answers(two, "awaited 1");
	lead_with_followers("");
	agent_expect(leader, "ok", "fail 7 no");
	agent_answers(one, "-EREMOTEIO 7 no");
	agent_answers(two, "-EREMOTEIO 7 no");
	assert_int_equal(begin(POLICY(.flags = SFSHM_FAIL_IF_LOST)),
			 SFSHM_LEADER);
	agent_say(one, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_release(&flight), 0);
	agent_answers(one, "leader");
}

/* There was no room for its value, and it dies as it goes on. */
static void also_after_a_publish_that_failed(void **state)
{
	static const struct sfshm_options tiny = {
		.size = sizeof(tiny),
		.slots = 16,
		.bytes = 64 << 10,
		.max_value = 40 << 10,
	};
	static char bytes[40 << 10];
	struct sfshm_pin pin;

	(void)state;
	(void)sfshm_close(h);
	assert_int_equal(sfshm_unlink(segment), 0);
	h = segment_open(&tiny);
	assert_int_equal(sfshm_begin(h, "pinned", 6,
				     POLICY(.ttl_ms = SFSHM_FOREVER), &flight,
				     &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, bytes, sizeof(bytes)), 0);
	assert_int_equal(sfshm_pin(h, "pinned", 6, &pin, &result),
			 SFSHM_CACHED);
	lead_with_followers("keep");
	agent_expect(leader, "-ENOSPC", "publish-bytes 40000 1");
	agent_kill(leader);
	agent_answers(one, LOST);
	agent_answers(two, LOST);
	assert_int_equal(sfshm_unpin(&pin), 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(followers_share_a_death),
		in_policy(an_old_value_stays),
		in_policy(whoever_finds_it),
		in_policy(later_callers_lead),
		in_policy(cancelled_in_the_work),
		in_policy(ended_with_an_open_flight),
		in_policy(also_after_a_publish_that_failed),
		in_policy(a_living_leader_ends_it_as_ever),
	};

	return test_main(tests);
}
