/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q8: A polled wait may be for a shared hold, or for a lock that others
 * share. It learns of the end of the last sharer, however that ends. Later
 * sharers let it go first, but never for long.
 */
#include "held.h"

static const struct sfshm_lock_options shared = {
	.size = sizeof(shared),
	.flags = SFSHM_LOCK_SHARED,
};

static void shared_at_once(void **state)
{
	struct agent *sharer = agent_start(), *writer = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(sharer, "locked", "lock key shared");
	assert_int_equal(lock_begin("key", &shared, &wait), 0);
	agent_expect(writer, "-EBUSY", "lock key try");
	agent_expect(sharer, "ok", "unlock key");
	agent_expect(writer, "-EBUSY", "lock key try");
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_expect(writer, "locked", "lock key try");
	assert_sound(h);
}

/* All polled waits of a lock that one has held alone share it. */
static void shared_after_a_writer(void **state)
{
	struct agent *writer = agent_start(), *sharer = agent_start();
	struct sfshm_lock held;
	struct sfshm_wait wait;

	(void)state;
	sleep_until_woken();
	agent_expect(writer, "locked", "lock key");
	assert_int_equal(lock_begin("key", &shared, &wait), -EINPROGRESS);
	agent_say(sharer, "lock key shared");
	await_waiters("key", 2);
	agent_expect(writer, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	held = lock;
	agent_answers(sharer, "locked");
	agent_expect(sharer, "ok", "unlock key");
	assert_int_equal(sfshm_unlock(&held), 0);
	agent_expect(writer, "locked", "lock key try");
	agent_kill(writer);
	assert_int_equal(lock_begin("key", &shared, &wait), SFSHM_OWNER_DIED);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* Begins a wait for a lock that two others share. */
static void wait_for_two(struct agent *sharers[2], struct sfshm_wait *wait)
{
	for (int i = 0; i < 2; i++) {
		sharers[i] = agent_start();
		agent_expect(sharers[i], "locked", "lock key shared");
	}
	assert_int_equal(lock_begin("key", NULL, wait), -EINPROGRESS);
	assert_int_equal(watch_waiters("key"), 1);
}

static void alone_after_sharers(void **state)
{
	struct agent *sharers[2];
	struct sfshm_wait wait;

	(void)state;
	sleep_until_woken();
	wait_for_two(sharers, &wait);
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	agent_expect(sharers[1], "ok", "unlock key");
	assert_int_equal(told().number, wait.number);
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	assert_false(readable(0));
	agent_expect(sharers[0], "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	agent_expect(sharers[0], "-EBUSY", "lock key shared try");
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_expect(sharers[0], "locked", "lock key shared try");
	assert_sound(h);
}

static void alone_after_sharers_that_die(void **state)
{
	struct agent *sharers[2];
	struct sfshm_wait wait;

	(void)state;
	sleep_until_woken();
	wait_for_two(sharers, &wait);
	agent_kill(sharers[1]);
	agent_kill(sharers[0]);
	/* They have changed nothing. */
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

static void alone_after_a_sharer_that_dies_without_a_word(void **state)
{
	struct agent *sharer = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(sharer, "@one locked", "@one lock key shared");
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	agent_say(sharer, "@one exec");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

static void killed_at(const char *point)
{
	struct agent *sharer = agent_start();
	struct sfshm_wait wait;

	agent_expect(sharer, "locked", "lock key shared");
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(sharer, "ok", "arm %s 1 KILL", point);
	agent_say(sharer, "unlock key");
	agent_gone(sharer);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* It holds the lock no more, and has woken nobody: its word says so. */
static void alone_after_one_that_dies_before_its_wake(void **state)
{
	(void)state;
	sleep_until_woken();
	killed_at("share_dropped");
	killed_at("bell_due");
}

/* The next one that comes lets the wait go first, once and not for long. */
static void later_sharers_let_it_go_first(void **state)
{
	struct agent *sharer = agent_start(), *next = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(sharer, "locked", "lock key shared");
	agent_expect(next, "ok", "note-sleeps");
	agent_expect(next, "locked", "lock key shared");
	agent_expect(next, "ok", "unlock key");
	agent_expect(next, "0", "count-sleeps");
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(next, "locked", "lock key shared");
	agent_expect(next, "1", "count-sleeps");
	agent_say(next, "longest-sleep");
	assert_in_range(atoi(agent_hear(next)), 0, 2);
	agent_expect(next, "ok", "unlock key");
	/* This loop is stuck: nobody waits for it again. */
	agent_expect(next, "locked", "lock key shared");
	agent_expect(next, "1", "count-sleeps");
	agent_expect(next, "ok", "unlock key");
	/* It looks, and finds the lock shared: the same once more. */
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	agent_expect(next, "locked", "lock key shared");
	agent_expect(next, "2", "count-sleeps");
	agent_expect(next, "ok", "unlock key");
	agent_expect(sharer, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* A thread shares a lock once; its polled waits wait for that hold's end. */
static void shared_by_its_own_thread(void **state)
{
	struct sfshm_wait again, alone;
	struct sfshm_lock held;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, &shared, &held), 0);
	assert_int_equal(lock_begin("key", &shared, &again), -EINPROGRESS);
	assert_int_equal(lock_finish(&again), -EINPROGRESS);
	assert_int_equal(lock_begin("key", NULL, &alone), -EINPROGRESS);
	assert_int_equal(lock_begin("key",
				    LOCK(.flags = SFSHM_LOCK_OWN_IS_BUSY),
				    &alone),
			 -EBUSY);
	assert_int_equal(lock_begin("key", LOCK(.flags = SFSHM_LOCK_TRY),
				    &alone),
			 -EDEADLK);
	assert_int_equal(sfshm_unlock(&held), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	held = lock;
	assert_int_equal(sfshm_unlock(&held), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* The sharer has the lock in the old segment. */
static void while_the_segment_is_replaced(void **state)
{
	struct agent *sharer = agent_start(), *resizer = agent_start();
	struct sfshm_wait before, after;

	(void)state;
	agent_expect(sharer, "locked", "lock key shared");
	assert_int_equal(lock_begin("key", NULL, &before), -EINPROGRESS);
	agent_say(resizer, "resize %s slots=4096", segment);
	agent_asleep(resizer);
	assert_int_equal(lock_begin("other", NULL, &after), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(lock_begin("key", NULL, &after), -EINPROGRESS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lock_finish(&after), -EINPROGRESS);
		assert_int_equal(lock_finish(&before), -EINPROGRESS);
	}
	agent_expect(sharer, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_answers(resizer, "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* These need the ends of slices. */
		in_queue(alone_after_a_sharer_that_dies_without_a_word),
		in_queue(later_sharers_let_it_go_first),
		in_queue(while_the_segment_is_replaced),
		in_queue(shared_at_once),
		in_queue(shared_by_its_own_thread),
		in_queue(shared_after_a_writer),
		in_queue(alone_after_sharers),
		in_queue(alone_after_sharers_that_die),
		in_queue(alone_after_one_that_dies_before_its_wake),
	};

	return test_main(tests);
}
