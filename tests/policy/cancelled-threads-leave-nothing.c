/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1, PROMISE-G2, PROMISE-R2: a thread may be cancelled in the work,
 * in a wait, or between begin and publish, deferred or at any instruction:
 * another caller goes on with the flight. The ends of a flight are no
 * cancellation points.
 */
#include <pthread.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

static uint32_t at;

/* Begins, and is cancelled before it has ended what it leads. */
static void *lead_only(void *how)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	struct sfshm_flight f;
	int old;

	if (how)
		/* NOLINTNEXTLINE(concurrency-thread-canceltype-asynchronous) */
		pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old);
	demand(sfshm_begin(h, "key", 3, NULL, &f, &own) == SFSHM_LEADER);
	store_release(&at, 1);
	/* No cancellation point: only at any instruction does it end here. */
	while (how || load_acquire(&at) == 1)
		compiler_barrier();
	pthread_testcancel();
	demand(!"reached");
	return NULL;
}

static void lead_and_cancel(void *how)
{
	struct agent *follower = agent_start();
	pthread_t thread;

	store_relaxed(&at, 0);
	pthread_create(&thread, NULL, lead_only, how);
	assert_true(eventually(load_acquire(&at) == 1));
	agent_expect(follower, "ok", "sleep-until-woken");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	pthread_cancel(thread);
	if (!how) {
		assert_false(agent_spoke(follower));
		store_release(&at, 2);
	}
	agent_answers(follower, "leader");
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* It ended in an orderly way: nobody died. */
	assert_int_equal(watch_counter("owner_died"), 0);
	agent_expect(follower, "ok", "release");
	assert_sound(h);
}

static void between_begin_and_publish(void **state)
{
	(void)state;
	lead_and_cancel(NULL);
}

static void at_any_instruction(void **state)
{
	(void)state;
	lead_and_cancel(state);
}

/* A cancellation that is under way does not keep a flight from being ended. */
static void *end_while_cancelled(void *end)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	struct sfshm_flight f;
	int r = -1;

	demand(sfshm_begin(h, "key", 3, POLICY(.ttl_ms = 1000000), &f, &own) ==
	       SFSHM_LEADER);
	pthread_cancel(pthread_self());
	switch (*(const char *)end) {
	case 'p': r = sfshm_publish(&f, "value", 5); break;
	case 'f': r = sfshm_fail(&f, -5, "no"); break;
	case 'r': r = sfshm_release(&f); break;
	case 'x': r = sfshm_extend(&f, 5) || sfshm_release(&f); break;
	}
	demand(r == 0);
	store_release(&at, 9);
	pthread_testcancel();
	return NULL;
}

static void not_in_the_ends_of_a_flight(void **state)
{
	static const char *const ends[] = { "fail", "release", "xtend",
					    "publish" };
	pthread_t thread;
	void *how;

	(void)state;
	for (int i = 0; i < 4; i++) {
		store_relaxed(&at, 0);
		pthread_create(&thread, NULL, end_while_cancelled,
			       (void *)(uintptr_t)ends[i]);
		assert_int_equal(pthread_join(thread, &how), 0);
		assert_ptr_equal(how, PTHREAD_CANCELED);
		assert_int_equal(load_acquire(&at), 9);
	}
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("value");
}

static void *wait_only(void *how)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	struct sfshm_flight f;
	int old;

	if (how)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	return (void *)(intptr_t)sfshm_begin(h, "key", 3, NULL, &f, &own);
}

static void in_a_wait(void **state)
{
	struct agent *other = agent_start();
	pthread_t thread;
	void *answer;

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	agent_expect(other, "ok", "sleep-until-woken");
	for (int i = 0; i < 20; i++) {
		pthread_create(&thread, NULL, wait_only, NULL);
		await_waiters("key", 1);
		pthread_cancel(thread);
		assert_int_equal(pthread_join(thread, &answer), 0);
		assert_ptr_equal(answer, PTHREAD_CANCELED);
		await_waiters("key", 0);
	}
	/* Who is not to be cancelled is not. */
	pthread_create(&thread, NULL, wait_only, state);
	await_waiters("key", 1);
	pthread_cancel(thread);
	agent_say(other, "begin key");
	await_waiters("key", 2);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(pthread_join(thread, &answer), 0);
	assert_int_equal((intptr_t)answer, SFSHM_AWAITED);
	agent_answers(other, "awaited value");
	assert_sound(h);
}

#define ROUNDS (100 / SLOWNESS)

/* The one that a release woke may be the one that is cancelled. */
static void the_wake_of_a_release_is_not_lost_with_it(void **state)
{
	struct agent *other = agent_start();
	pthread_t thread;

	(void)state;
	agent_expect(other, "ok", "sleep-until-woken");
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(begin(NULL), SFSHM_LEADER);
		pthread_create(&thread, NULL, wait_only, NULL);
		await_waiters("key", 1);
		agent_say(other, "begin key");
		await_waiters("key", 2);
		/* First in, first woken; and cancelled at once. */
		assert_int_equal(sfshm_release(&flight), 0);
		pthread_cancel(thread);
		assert_int_equal(pthread_join(thread, NULL), 0);
		agent_answers(other, "leader");
		agent_expect(other, "ok", "release");
	}
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(between_begin_and_publish),
		in_policy(at_any_instruction),
		in_policy(not_in_the_ends_of_a_flight),
		in_policy(in_a_wait),
		in_policy(the_wake_of_a_release_is_not_lost_with_it),
	};

	/* It is not told that a cancelled thread leaves its frames. */
	if (UNDER_ASAN)
		return skip_all("cancellation confuses AddressSanitizer");
	return test_main(tests);
}
