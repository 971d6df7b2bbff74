/* SPDX-License-Identifier: MIT */
/*
 * One thread closes the handle while others are inside. They get an answer,
 * the next call is refused, and no thread uses anything that is gone.
 */
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "crowd.h"
#include "watch.h"

static void waiting_threads_are_told(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct asker askers[6] = { 0 };

	(void)state;
	sleep_until_woken();
	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 6; i++)
		asker_start(&askers[i], h, "key");
	await_waiters("key", 6);
	assert_int_equal(sfshm_close(h), 0);
	for (int i = 0; i < 6; i++) {
		asker_join(&askers[i]);
		assert_int_equal(askers[i].outcome, -ESHUTDOWN);
	}
	agent_expect(leader, "0", "waiters");
	agent_expect(leader, "ok", "publish value");
	agent_expect(leader, "0", "verify");
}

/* Another handle of the same segment is another matter. */
static void waits_by_another_handle_go_on(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm *h = segment_open(NULL), *other = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	agent_expect(leader, "leader", "begin key");
	asker_start(&a, other, "key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(watch_waiters("key"), 1);
	agent_expect(leader, "ok", "publish value");
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_AWAITED);
	sfshm_result_clear(&a.result);
	assert_int_equal(sfshm_close(other), 0);
}

struct led {
	pthread_barrier_t gate;
	struct sfshm *handle;
};

static void *lead_across_the_close(void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct led *led = arg;

	demand(sfshm_begin(led->handle, "key", 3, NULL, &flight, &result) ==
	       SFSHM_LEADER);
	pthread_barrier_wait(&led->gate);
	pthread_barrier_wait(&led->gate);
	demand(sfshm_publish(&flight, "late", 4) == 0);
	demand(sfshm_get(led->handle, "key", 3, &result) == -EBADF);
	sfshm_result_clear(&result);
	return NULL;
}

/* What another thread leads stays its, and must still be ended. */
static void flights_of_other_threads_stay_valid(void **state)
{
	struct agent *follower = agent_start();
	struct led led;
	pthread_t thread;

	(void)state;
	led.handle = segment_open(NULL);
	pthread_barrier_init(&led.gate, NULL, 2);
	pthread_create(&thread, NULL, lead_across_the_close, &led);
	pthread_barrier_wait(&led.gate);
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_close(led.handle), 0);
	pthread_barrier_wait(&led.gate);
	agent_answers(follower, "awaited late");
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_barrier_destroy(&led.gate);
}

/* The last handle's closer gives back what it leads itself. */
static void own_flights_are_released(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct agent *follower = agent_start();
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_close(h), 0);
	agent_answers(follower, "leader");
	assert_true(sfshm_publish(&flight, "late", 4) < 0);
}

#define ROUNDS (60 / (SLOWNESS > 1 ? 3 : 1))
#define HAMMERS 5

struct anvil {
	struct sfshm *handle; /* the one in use; closed and opened anew */
	uint32_t over;
	uint32_t calls;
};

/* Not a call about the key can crash, whatever the handle is by then. */
static void hammer(struct anvil *a)
{
	static const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = 1,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	while (!load_acquire(&a->over)) {
		struct sfshm *h = load_acquire(&a->handle);
		int r = sfshm_begin(h, "key", 3, &keep, &flight, &result);

		if (r == SFSHM_LEADER)
			demand(sfshm_publish(&flight, "value", 5) == 0);
		else
			demand(r == SFSHM_CACHED || r == SFSHM_AWAITED ||
			       r == -ESHUTDOWN || r == -EBADF);
		r = sfshm_get(h, "key", 3, &result);
		demand(r == SFSHM_CACHED || r == -ENODATA || r == -EBADF);
		fetch_add_relaxed(&a->calls, 1);
	}
	sfshm_result_clear(&result);
}

static void close_and_open(struct anvil *a)
{
	uint32_t calls = load_relaxed(&a->calls);

	demand(sfshm_close(a->handle) == 0);
	store_release(&a->handle, segment_open(NULL));
	demand(eventually(load_relaxed(&a->calls) > calls + 10 * HAMMERS));
}

static void close_again_and_again(struct anvil *a)
{
	for (int i = 0; i < ROUNDS; i++)
		close_and_open(a);
	store_release(&a->over, 1);
}

static void hammer_or_close(int member, void *arg)
{
	if (member)
		hammer(arg);
	else
		close_again_and_again(arg);
}

static void hammering_threads_never_crash(void **state)
{
	struct anvil anvil = { .handle = segment_open(NULL) };
	uint32_t attached, alive;

	(void)state;
	crowd_run(THREADS, HAMMERS + 1, hammer_or_close, &anvil);
	assert_sound(anvil.handle);
	assert_int_equal(sfshm_close(anvil.handle), 0);
	watch_participants(&attached, &alive);
	assert_int_equal(attached, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(waiting_threads_are_told),
		in_segment(waits_by_another_handle_go_on),
		in_segment(flights_of_other_threads_stay_valid),
		in_segment(own_flights_are_released),
		in_segment(hammering_threads_never_crash),
	};

	return test_main(tests);
}
