/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: a semaphore that nobody uses can be removed, and its slot and
 * memory come back. A taker that comes late takes no permit of a removed
 * semaphore and writes to no other value's memory. A remover that stops or dies
 * half-way keeps nobody out.
 */
#include <pthread.h>
#include <sched.h>
#include <sfshm/semaphore.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

#define REMOVALS 200

static const struct sfshm_options tiny = {
	.slots = 8,
	.bytes = 16 << 10,
	.max_value = 4 << 10,
};

static struct sfshm *h;

static int make(const char *name, uint32_t max)
{
	return sfshm_semaphore_set_max(h, name, strlen(name), max);
}

static int drop(const char *name)
{
	return sfshm_semaphore_remove(h, name, strlen(name));
}

static void only_unused_ones(void **state)
{
	struct agent *waiter = agent_start();
	struct sfshm_permit permit;

	(void)state;
	h = segment_open(NULL);
	assert_int_equal(drop("s"), -ENODATA);
	assert_int_equal(sfshm_semaphore_remove(h, NULL, 1), -EINVAL);
	assert_int_equal(make("s", 1), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(drop("s"), -EBUSY);
	agent_say(waiter, "acquire s");
	await_waiters("s", 1);
	assert_int_equal(drop("s"), -EBUSY);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_answers(waiter, "ok");
	assert_int_equal(drop("s"), -EBUSY);
	/* Its permit counts until it is seen to be dead, which is at once. */
	agent_kill(waiter);
	assert_int_equal(drop("s"), 0);
	assert_int_equal(drop("s"), -ENODATA);
	agent_expect(agent_start(), "ok", "acquire s max=2");
	agent_expect(agent_start(), "1 of 2, 0 wait", "permits s");
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void slots_and_memory_come_back(void **state)
{
	char name[8];

	(void)state;
	h = segment_open(&tiny);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(make(name, 2), 0);
		assert_int_equal(drop(name), 0);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Publishes zeros until all memory that can be had has been used anew. */
static void fill_with_zeros(void)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char zeros[3000] = "";

	for (int i = 0; i < 40; i++) {
		assert_int_equal(sfshm_begin(h, &i, sizeof(i), &keep, &flight,
					     &result),
				 SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&flight, zeros, sizeof(zeros)),
				 0);
	}
}

static void are_all_zeros(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	const char zeros[3000] = "";
	int seen = 0;

	for (int i = 0; i < 40; i++) {
		if (sfshm_get(h, &i, sizeof(i), &result) != SFSHM_CACHED)
			continue;
		seen++;
		assert_memory_equal(result.value.data, zeros, sizeof(zeros));
	}
	assert_true(seen > 0);
	sfshm_result_clear(&result);
}

/* It found the semaphore before that was removed, and goes on after that. */
static void late_taker_writes_nowhere_else(void **state)
{
	struct agent *late;

	(void)state;
	h = segment_open(&tiny);
	late = agent_start();
	assert_int_equal(make("s", 2), 0);
	agent_expect(late, "ok", "arm permit_noted 1 STOP");
	agent_say(late, "acquire s max=3 try");
	agent_stopped(late);
	assert_int_equal(drop("s"), 0);
	fill_with_zeros();
	/* What the taker has noted is kept, and is no damage. */
	assert_sound(h);
	agent_signal(late, SIGCONT);
	agent_answers(late, "ok");
	are_all_zeros();
	agent_expect(late, "1 of 3, 0 wait", "permits s");
	assert_sound(h);
	/* With the taker gone, the memory comes back. */
	agent_expect(late, "ok", "give-back");
	assert_int_equal(drop("s"), 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(make("t", 2), 0);
		assert_int_equal(drop("t"), 0);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* It was on its way before the remover closed the semaphore. */
static void taker_beats_a_remover(const char *at)
{
	struct agent *taker = agent_start(), *remover = agent_start();

	h = segment_open(NULL);
	assert_int_equal(make("s", 3), 0);
	agent_expect(taker, "ok", "arm %s 1 STOP", at);
	agent_say(taker, "acquire s");
	agent_stopped(taker);
	agent_expect(remover, "ok", "arm semaphore_closing 1 STOP");
	agent_say(remover, "remove s");
	agent_stopped(remover);
	agent_signal(taker, SIGCONT);
	agent_answers(taker, "ok");
	agent_signal(remover, SIGCONT);
	agent_answers(remover, "-EBUSY");
	agent_expect(taker, "1 of 3, 0 wait", "permits s");
	agent_expect(taker, "ok", "give-back");
	assert_int_equal(drop("s"), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void taker_opens_what_is_closing(void **state)
{
	(void)state;
	taker_beats_a_remover("permit_noted");
	taker_beats_a_remover("permit_taken");
}

/* It has its word, and has not looked at the maximum. */
static void taker_meets_a_remover_half_way(void **state)
{
	struct agent *taker = agent_start();

	(void)state;
	h = segment_open(NULL);
	assert_int_equal(make("s", 3), 0);
	agent_expect(taker, "ok", "arm permit_taken 1 STOP");
	agent_say(taker, "acquire s");
	agent_stopped(taker);
	assert_int_equal(drop("s"), -EBUSY);
	agent_signal(taker, SIGCONT);
	agent_answers(taker, "ok");
	agent_expect(taker, "1 of 3, 0 wait", "permits s");
	assert_int_equal(sfshm_close(h), 0);
}

static void remover_dies_at(const char *point)
{
	struct agent *victim = agent_start();

	agent_expect(victim, "ok", "arm %s 1 KILL", point);
	agent_say(victim, "remove s");
	assert_int_equal(agent_gone(victim), SIGKILL);
	assert_sound(h);
}

static void takes_and_gives_back(struct agent *a, uint32_t max)
{
	char permits[32];

	snprintf(permits, sizeof(permits), "1 of %u, 0 wait", max);
	agent_expect(a, "ok", "acquire s max=%u try", max);
	agent_expect(a, permits, "permits s");
	agent_expect(a, "ok", "give-back");
}

static void dead_removers_keep_nobody_out(void **state)
{
	struct agent *next = agent_start();

	(void)state;
	h = segment_open(NULL);
	assert_int_equal(make("s", 3), 0);
	remover_dies_at("semaphore_closing");
	takes_and_gives_back(next, 3);
	remover_dies_at("semaphore_removed");
	takes_and_gives_back(next, 5);
	remover_dies_at("semaphore_removed");
	assert_int_equal(drop("s"), -ENODATA);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static uint32_t inside, over, removed;

static void *take_and_give(void *unused)
{
	const struct sfshm_semaphore_options one = {
		.size = sizeof(one),
		.max = 1,
	};
	struct sfshm_permit permit;

	while (load_relaxed(&removed) < REMOVALS) {
		demand(!sfshm_acquire(h, "s", 1, &one, &permit));
		if (fetch_add_relaxed(&inside, 1))
			store_relaxed(&over, 1);
		fetch_add_relaxed(&inside, -1u);
		demand(!sfshm_permit_release(&permit));
		sched_yield();
	}
	return unused;
}

/* Whatever is removed under the takers, one of them has the permit at most. */
static void crowds_go_on(void **state)
{
	pthread_t thread[2];
	int r;

	(void)state;
	h = segment_open(&tiny);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, take_and_give,
						NULL),
				 0);
	while (load_relaxed(&removed) < REMOVALS) {
		r = drop("s");
		assert_true(!r || r == -EBUSY || r == -ENODATA);
		if (!r)
			fetch_add_relaxed(&removed, 1);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(over, 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(only_unused_ones),
		in_segment(slots_and_memory_come_back),
		in_segment(late_taker_writes_nowhere_else),
		in_segment(taker_opens_what_is_closing),
		in_segment(taker_meets_a_remover_half_way),
		in_segment(dead_removers_keep_nobody_out),
		in_segment(crowds_go_on),
	};

	return test_main(tests);
}
