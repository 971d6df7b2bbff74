/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C10: the result of a flight that began before a soft invalidation is
 * stale when it comes. The callers that were waiting get it. Later callers wait
 * for the flight's end, then one of them leads. The leader is told.
 */
#include <pthread.h>

#include <sfshm/do.h>

#include "asker.h"
#include "agent.h"
#include "os/sys.h"
#include "policy.h"
#include "watch.h"

#define KEPT .ttl_ms = SFSHM_FOREVER

static int invalidate(void)
{
	return sfshm_invalidate(h, "key", 3, 0);
}

static void who_waited_gets_it_and_who_comes_later_leads(void **state)
{
	struct agent *before = agent_start(), *after = agent_start();

	(void)state;
	/* With room in its result, it takes a value where it wakes. */
	agent_expect(after, "leader", "begin other forever");
	agent_expect(after, "ok", "publish value");
	agent_expect(after, "cached value", "get other");
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	agent_say(before, "begin key");
	await_waiters("key", 1);
	assert_int_equal(invalidate(), 0);
	assert_int_equal(invalidate(), 0);
	agent_say(after, "begin key forever");
	await_waiters("key", 2);
	agent_asleep(after);
	assert_int_equal(sfshm_extend(&flight, 1000), 0);
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	agent_answers(before, "awaited old");
	agent_answers(after, "leader");
	assert_int_equal(get(), -ENODATA);
	agent_expect(after, "ok", "publish new");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
	assert_sound(h);
}

static void it_still_serves_as_a_stale_value(void **state)
{
	struct agent *next = agent_start();

	(void)state;
	assert_int_equal(begin(POLICY(KEPT, .grace_ms = 60000)), SFSHM_LEADER);
	assert_int_equal(invalidate(), 0);
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	agent_expect(next, "leader", "begin key");
	assert_int_equal(begin(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	agent_expect(next, "ok", "publish new");
}

static void a_failure_is_out_of_date_as_well(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.neg_ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	assert_int_equal(invalidate(), 0);
	assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(invalidate(), 0);
	assert_int_equal(sfshm_release(&flight), 0);
	put("new", POLICY(KEPT));
	assert_int_equal(get(), SFSHM_CACHED);
}

/* It is marked between its leader's look and its end. */
static void even_at_the_last_moment(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	agent_expect(leader, "ok", "arm publish_written 1 STOP");
	agent_say(leader, "publish old");
	agent_stopped(leader);
	assert_int_equal(invalidate(), 0);
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "invalidated");
	assert_int_equal(get(), -ENODATA);
}

static uint64_t (*real_coarse)(void);
static uint32_t left; /* readings of the clock until the invalidation */

static void *invalidate_beside(void *unused)
{
	(void)unused;
	demand(invalidate() == 0);
	return NULL;
}

/* Another thread invalidates the key at one of this thread's readings. */
static uint64_t coarse_and_invalidate(void)
{
	pthread_t thread;

	if (left && !--left) {
		demand(!pthread_create(&thread, NULL, invalidate_beside, NULL));
		demand(!pthread_join(thread, NULL));
	}
	return real_coarse();
}

/* The next callers coordinate again. */
static void so_is_the_mark_of_an_uncacheable_key(void **state)
{
	(void)state;
	real_coarse = sys.coarse;
	for (uint32_t n = 1; n <= 6; n++) {
		assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
		assert_int_equal(result.coordinated, 1);
		sfshm_flight_uncacheable(&flight, SFSHM_FOREVER);
		left = n;
		sys.coarse = coarse_and_invalidate;
		assert_int_equal(publish("mine"), 0);
		sys.coarse = real_coarse;
		if (left)
			assert_int_equal(invalidate(), 0);
	}
}

/* What a leader that takes over does begins after the invalidation. */
static void an_heir_is_not_marked(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	assert_int_equal(invalidate(), 0);
	agent_kill(leader);
	put("new", POLICY(KEPT));
	assert_int_equal(get(), SFSHM_CACHED);
	assert_sound(h);
}

static void all_flights_are_marked_at_once(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(sfshm_invalidate_all(h, 0), 1);
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	assert_int_equal(get(), -ENODATA);
}

static int work(struct sfshm_flight *f, void *arg)
{
	int *runs = arg;

	if (!(*runs)++)
		assert_int_equal(invalidate(), 0);
	return sfshm_publish(f, *runs == 1 ? "old" : "new", 3);
}

static void the_caller_chooses_whether_to_run_again(void **state)
{
	(void)state;
	runs_again_if_asked(work);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(who_waited_gets_it_and_who_comes_later_leads),
		in_policy(it_still_serves_as_a_stale_value),
		in_policy(a_failure_is_out_of_date_as_well),
		in_policy(even_at_the_last_moment),
		in_policy(so_is_the_mark_of_an_uncacheable_key),
		in_policy(an_heir_is_not_marked),
		in_policy(all_flights_are_marked_at_once),
		in_policy(the_caller_chooses_whether_to_run_again),
	};

	return test_main(tests);
}
