/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C20: any number of threads hold a lock shared at the same time, and
 * nobody holds it alone meanwhile. Only a wake ends the sleeps here.
 */
#include <sfshm/lock.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

#define MEMBERS 6
#define TURNS (4000 / SLOWNESS)

static void last_one_lets_the_writer_in(void **state)
{
	struct agent *sharer[3], *writer = agent_start_patient();
	struct agent *late = agent_start();

	(void)state;
	for (int i = 0; i < 3; i++) {
		sharer[i] = agent_start();
		agent_expect(sharer[i], "locked", "lock key shared");
	}
	agent_expect(writer, "-EBUSY", "lock key try");
	agent_say(writer, "lock key");
	await_waiters("key", 1);
	/* It has its foot in the door. */
	agent_expect(late, "-EBUSY", "lock key shared try");
	for (int i = 0; i < 3; i++) {
		assert_false(agent_spoke(writer));
		agent_expect(sharer[i], "ok", "unlock key");
	}
	agent_answers(writer, "locked");
	agent_expect(late, "-EBUSY", "lock key shared try");
	agent_expect(writer, "ok", "unlock key");
	agent_expect(late, "locked", "lock key shared try");
	agent_expect(late, "0", "verify");
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void writer_lets_all_sharers_in(void **state)
{
	struct agent *sharer[4], *writer = agent_start();

	(void)state;
	agent_expect(writer, "locked", "lock key");
	for (int i = 0; i < 4; i++) {
		sharer[i] = agent_start_patient();
		agent_say(sharer[i], "lock key shared");
		await_waiters("key", (uint32_t)i + 1);
	}
	agent_expect(writer, "ok", "unlock key");
	for (int i = 0; i < 4; i++)
		agent_answers(sharer[i], "locked");
	assert_int_equal(watch_counter("rechecks"), 0);
}

/* The first call for the key makes the lock, whichever kind it is. */
static void sharers_see_the_generations_of_the_others(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	agent_expect(b, "locked", "lock key shared");
	agent_say(a, "lock-generation key");
	agent_expect(b, agent_hear(a), "lock-generation key");
	agent_expect(a, "ok", "unlock key");
	agent_expect(b, "ok", "unlock key");
	agent_expect(b, "-ESTALE", "unlock key");
}

static void one_that_gives_up_lets_sharers_in(void **state)
{
	struct agent *sharer = agent_start(), *late = agent_start_patient();
	struct agent *writer = agent_start();

	(void)state;
	agent_expect(sharer, "locked", "lock key shared");
	agent_expect(writer, "-ETIMEDOUT", "lock key timeout=20");
	agent_expect(late, "locked", "lock key shared try");
	agent_expect(late, "ok", "unlock key");
	agent_say(writer, "lock key token");
	await_waiters("key", 1);
	agent_say(late, "lock key shared");
	await_waiters("key", 2);
	agent_signal(writer, SIGUSR1);
	agent_answers(writer, "-ECANCELED");
	agent_answers(late, "locked");
	agent_expect(late, "ok", "unlock key");
	agent_expect(sharer, "ok", "unlock key");
	agent_expect(writer, "ok", "reset");
	agent_expect(writer, "locked", "lock key try");
}

static void waits_of_sharers_end(void **state)
{
	struct agent *writer = agent_start(), *sharer = agent_start();

	(void)state;
	agent_expect(writer, "locked", "lock key");
	agent_expect(sharer, "-EBUSY", "lock key shared try");
	agent_expect(sharer, "-ETIMEDOUT", "lock key shared timeout=20");
	agent_say(sharer, "lock key shared token");
	await_waiters("key", 1);
	agent_signal(sharer, SIGUSR1);
	agent_answers(sharer, "-ECANCELED");
	agent_expect(sharer, "-ECANCELED",
		     "lock key shared token cancel-first");
}

static void own_lock_is_refused(void **state)
{
	struct agent *a = agent_start(), *writer = agent_start();
	static const char *const first[] = { "lock key shared", "lock key" };
	static const char *const again[] = { "lock key shared", "lock key" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		agent_expect(a, "locked", "%s", first[i]);
		for (int k = 0; k < 2; k++) {
			agent_expect(a, "-EDEADLK", "%s", again[k]);
			agent_expect(a, "-EDEADLK", "%s try", again[k]);
			agent_expect(a, "-EBUSY", "%s own-is-busy", again[k]);
		}
		agent_expect(a, "ok", "unlock key");
	}
	/* Also while somebody waits for it. */
	agent_expect(a, "locked", "lock key shared rank=7");
	agent_say(writer, "lock key");
	await_waiters("key", 1);
	agent_expect(a, "-EDEADLK", "lock key shared");
	agent_expect(a, "-EDEADLK", "lock key");
	agent_expect(a, "-EDEADLK", "lock key rank=3");
	agent_expect(a, "-EDOM", "lock other shared rank=7");
	agent_expect(a, "locked", "lock other shared rank=8");
	agent_expect(a, "ok", "unlock key");
	agent_answers(writer, "locked");
}

static void thread_shares_a_few_locks_at_a_time(void **state)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock locks[SFSHM_LOCK_SHARED_MAX], more;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	o.flags = SFSHM_LOCK_SHARED;
	for (int i = 0; i < SFSHM_LOCK_SHARED_MAX; i++)
		assert_int_equal(sfshm_lock(h, &i, sizeof(i), &o, &locks[i]),
				 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sfshm_lock(h, "more", 4, &o, &more), -EMFILE);
	assert_int_equal(sfshm_lock(h, "more", 4, NULL, &more), 0);
	assert_int_equal(sfshm_unlock(&more), 0);
	assert_int_equal(sfshm_unlock(&locks[3]), 0);
	assert_int_equal(sfshm_lock(h, "more", 4, &o, &more), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Locks that are shared stay; those that were can go. */
static void small_segment_keeps_those_in_use(void **state)
{
	static const struct sfshm_options small = {
		.slots = 64,
		.bytes = 64 << 10,
		.max_value = 4 << 10,
	};
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm *h = segment_open(&small);
	struct agent *a = agent_start();
	struct sfshm_lock lock;

	(void)state;
	o.flags = SFSHM_LOCK_SHARED;
	agent_expect(a, "locked", "lock kept shared");
	for (int i = 0; i < 5000 / SLOWNESS; i++) {
		assert_int_equal(sfshm_lock(h, &i, sizeof(i), &o, &lock), 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
	}
	assert_int_equal(sfshm_trylock(h, "kept", 4, &lock), -EBUSY);
	agent_expect(a, "ok", "unlock kept");
	assert_int_equal(sfshm_trylock(h, "kept", 4, &lock), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

struct board {
	struct sfshm *handle;  /* threads share it */
	uint64_t one, another; /* not atomic: the lock's business */
	uint32_t sharing, most;
};

static void share(struct board *b)
{
	uint32_t n = fetch_add_acq_rel(&b->sharing, 1) + 1;

	if (n > load_relaxed(&b->most))
		store_relaxed(&b->most, n);
	demand(load_relaxed(&b->one) == load_relaxed(&b->another));
	fetch_sub_acq_rel(&b->sharing, 1);
}

static void change(struct board *b)
{
	demand(load_acquire(&b->sharing) == 0);
	store_relaxed(&b->one, load_relaxed(&b->one) + 1);
	demand(load_acquire(&b->sharing) == 0);
	store_relaxed(&b->another, load_relaxed(&b->another) + 1);
}

static void take_turns(int member, void *arg)
{
	struct board *b = arg;
	struct sfshm *h = b->handle ? b->handle : segment_open(NULL);
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;

	for (int i = 0; i < TURNS; i++) {
		bool alone = (i + member) % 3 == 0;
		int r;

		o.flags = (alone ? 0 : SFSHM_LOCK_SHARED) |
			  (i % 5 ? 0 : SFSHM_LOCK_TRY);
		r = sfshm_lock(h, "key", 3, &o, &lock);
		demand(r == 0 || (r == -EBUSY && o.flags & SFSHM_LOCK_TRY));
		if (r)
			continue;
		(alone ? change : share)(b);
		demand(sfshm_unlock(&lock) == 0);
	}
	if (!b->handle)
		demand(sfshm_close(h) == 0);
}

static void among_threads(void **state)
{
	struct board *b = shared_memory(sizeof(*b));

	(void)state;
	b->handle = segment_open(NULL);
	crowd_run(THREADS, MEMBERS, take_turns, b);
	assert_int_equal(b->one, b->another);
	assert_sound(b->handle);
	assert_int_equal(sfshm_close(b->handle), 0);
}

static void among_processes(void **state)
{
	struct board *b = shared_memory(sizeof(*b));
	struct sfshm *h;

	(void)state;
	crowd_run(PROCESSES, MEMBERS, take_turns, b);
	h = segment_open(NULL);
	assert_int_equal(b->one, b->another);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(last_one_lets_the_writer_in),
		in_segment(writer_lets_all_sharers_in),
		in_segment(sharers_see_the_generations_of_the_others),
		in_segment(one_that_gives_up_lets_sharers_in),
		in_segment(waits_of_sharers_end),
		in_segment(own_lock_is_refused),
		in_segment(thread_shares_a_few_locks_at_a_time),
		in_segment(small_segment_keeps_those_in_use),
		in_segment(among_threads),
		in_segment(among_processes),
	};

	return test_main(tests);
}
