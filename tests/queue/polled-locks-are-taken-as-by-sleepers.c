/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q6: A polled wait for a lock ends as that of a sleeping caller does,
 * also when the holder dies. Only the call that finishes it takes the lock.
 */
#include "held.h"

#include <signal.h>
#include <sys/wait.h>

#define WAITS 20

/* Begins waits for a lock that another process holds. */
static struct agent *many(struct sfshm_wait waits[WAITS])
{
	struct agent *holder = agent_start();

	agent_expect(holder, "locked", "lock key");
	for (int i = 0; i < WAITS; i++) {
		waits[i].data = &waits[i];
		assert_int_equal(lock_begin("key", NULL, &waits[i]),
				 -EINPROGRESS);
	}
	assert_int_equal(watch_waiters("key"), WAITS);
	assert_false(readable(0));
	return holder;
}

static void at_once(void **state)
{
	struct agent *other = agent_start();
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(lock_begin("key", NULL, &wait), 0);
	assert_int_equal(wait.number, 0);
	agent_expect(other, "-EBUSY", "lock key try");
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_expect(other, "locked", "lock key");
	assert_int_equal(lock_begin("key", LOCK(.flags = SFSHM_LOCK_TRY),
				    &wait),
			 -EBUSY);
	assert_int_equal(wait.number, 0);
	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	agent_kill(other);
	assert_int_equal(lock_begin("key", NULL, &wait), SFSHM_OWNER_DIED);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(threads(), 1);
	assert_sound(h);
}

/*
 * A release makes each wait ready once, and wakes nobody else. The first one
 * that is finished gets the lock, and none has it before.
 */
static void one_after_another(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *holder = many(waits);
	uint64_t before = watch_counter("wakeups");

	(void)state;
	agent_expect(holder, "ok", "unlock key");
	for (int left = WAITS; left; left--) {
		struct sfshm_lock had;

		assert_true(readable(PATIENCE_MS));
		assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
		assert_int_equal(finished_by(lock_finish), 0);
		had = lock;
		/* Of the others each has been told once, or will be. */
		for (int i = 1; i < left; i++) {
			struct sfshm_wait wait = told();

			assert_int_equal(lock_finish(&wait), -EINPROGRESS);
		}
		assert_false(readable(0));
		agent_expect(holder, "-EBUSY", "lock key try");
		assert_int_equal(watch_waiters("key"), (uint32_t)left - 1);
		assert_int_equal(sfshm_unlock(&had), 0);
	}
	assert_int_equal(watch_counter("wakeups") - before, WAITS);
	assert_false(readable(0));
	assert_sound(h);
}

/* Also if this loop is stuck. One sleeper is woken, as if it were alone. */
static void beside_a_sleeper(void **state)
{
	struct agent *holder = agent_start(), *sleeper = agent_start_patient();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_say(sleeper, "lock key");
	await_waiters("key", 1);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	await_waiters("key", 2);
	agent_asleep(sleeper);
	agent_expect(holder, "ok", "unlock key");
	wait = told();
	agent_answers(sleeper, "locked");
	for (int i = 0; i < 100; i++) {
		agent_expect(sleeper, "ok", "unlock key");
		agent_expect(sleeper, "locked", "lock key");
	}
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	agent_expect(sleeper, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* Only a wake ends a sleep of the library's thread. */
static void holder_is_killed(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *holder, *sleeper = agent_start_patient();

	(void)state;
	sleep_until_woken();
	holder = many(waits);
	agent_say(sleeper, "lock key");
	await_waiters("key", WAITS + 1);
	agent_asleep(sleeper);
	agent_kill(holder);
	(void)told();
	/* The sleeper, too, is woken. */
	agent_answers(sleeper, "locked owner_died");
	agent_kill(sleeper);
	assert_int_equal(finished_by(lock_finish), SFSHM_OWNER_DIED);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

static void killed_at(const char *point, int outcome)
{
	struct sfshm_wait wait;
	struct agent *holder = agent_start();

	agent_expect(holder, "locked", "lock key");
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(holder, "ok", "arm %s 1 KILL", point);
	agent_say(holder, "unlock key");
	assert_int_equal(WTERMSIG(agent_gone(holder)), SIGKILL);
	assert_int_equal(finished_by(lock_finish), outcome);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* It holds the lock no more, and has woken nobody: its word says so. */
static void holder_is_killed_before_its_wake(void **state)
{
	(void)state;
	sleep_until_woken();
	killed_at("lock_released", 0);
}

static void holder_is_killed_before_it_rings(void **state)
{
	(void)state;
	sleep_until_woken();
	killed_at("bell_due", 0);
}

/* The kernel says nothing of this death: the end of a slice asks. */
static void holder_dies_without_a_word(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "@one locked", "@one lock key");
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	agent_say(holder, "@one exec");
	assert_int_equal(finished_by(lock_finish), SFSHM_OWNER_DIED);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

static void wait_ends(void **state)
{
	struct sfshm_cancel token = { 0 };
	struct agent *holder = agent_start();
	struct sfshm_wait wait, other;
	uint32_t ms = 10;
	int r;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	assert_int_equal(lock_begin("key", NULL, &other), -EINPROGRESS);
	/* A busy machine may reach the deadline before the call waits. */
	do {
		ms *= 2;
		r = lock_begin("key", LOCK(.wait_timeout_ms = ms), &wait);
	} while (r == -ETIMEDOUT);
	assert_int_equal(r, -EINPROGRESS);
	assert_int_equal(finished_by(lock_finish), -ETIMEDOUT);
	assert_int_equal(lock_begin("key", LOCK(.cancel = &token), &wait),
			 -EINPROGRESS);
	sfshm_cancel_fire(&token);
	assert_int_equal(finished_by(lock_finish), -ECANCELED);
	assert_false(readable(0));
	assert_int_equal(watch_waiters("key"), 1);
	assert_int_equal(lock_begin("free",
				    LOCK(.cancel = &token,
					 .flags = SFSHM_LOCK_CANCEL_FIRST),
				    &wait),
			 -ECANCELED);
	assert_int_equal(sfshm_wait_cancel(queue, &other), 0);
	assert_int_equal(sfshm_wait_cancel(queue, &other), -ESTALE);
	assert_int_equal(lock_finish(&other), -ESTALE);
	assert_int_equal(watch_waiters("key"), 0);
	agent_expect(holder, "ok", "unlock key");
	agent_expect(holder, "locked", "lock key try");
	assert_sound(h);
}

/* A call for another kind of wait changes nothing. */
static void only_by_a_call_of_its_kind(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait for_lock, for_permit, for_flight;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_expect(holder, "ok", "acquire key max=1");
	agent_expect(holder, "leader", "begin key");
	assert_int_equal(lock_begin("key", NULL, &for_lock), -EINPROGRESS);
	assert_int_equal(permit_begin("key", NULL, &for_permit), -EINPROGRESS);
	assert_int_equal(begin("key", NULL, &for_flight), -EINPROGRESS);
	assert_int_equal(finish(&for_lock), -EINVAL);
	assert_int_equal(permit_finish(&for_lock), -EINVAL);
	assert_int_equal(finish(&for_permit), -EINVAL);
	assert_int_equal(lock_finish(&for_permit), -EINVAL);
	assert_int_equal(lock_finish(&for_flight), -EINVAL);
	assert_int_equal(permit_finish(&for_flight), -EINVAL);
	assert_int_equal(sfshm_wait_finish_lock(queue, &for_lock, NULL),
			 -EINVAL);
	assert_int_equal(sfshm_wait_finish_permit(queue, &for_permit, NULL),
			 -EINVAL);
	agent_expect(holder, "ok", "unlock key");
	agent_expect(holder, "ok", "give-back");
	agent_expect(holder, "ok", "publish value");
	assert_int_equal(lock_finish(&for_lock), 0);
	assert_int_equal(permit_finish(&for_permit), 0);
	assert_int_equal(finish(&for_flight), SFSHM_AWAITED);
	assert_int_equal(lock_finish(&for_lock), -ESTALE);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_false(readable(0));
	assert_sound(h);
}

/* A thread may wait for itself, since it does not sleep. */
static void held_by_its_own_thread(void **state)
{
	struct sfshm_wait wait;
	struct sfshm_lock held;

	(void)state;
	assert_int_equal(lock_begin("key", NULL, &wait), 0);
	held = lock;
	assert_int_equal(
		lock_begin("key", LOCK(.flags = SFSHM_LOCK_OWN_IS_BUSY), &wait),
		-EBUSY);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), -EDEADLK);
	assert_int_equal(sfshm_unlock(&held), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* -EBUSY would say that another thread is finishing the wait. */
static void taken_meanwhile_by_its_own_thread(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;
	struct sfshm_lock held;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	assert_int_equal(
		lock_begin("key", LOCK(.flags = SFSHM_LOCK_OWN_IS_BUSY), &wait),
		-EINPROGRESS);
	agent_expect(holder, "ok", "unlock key");
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &held), 0);
	assert_int_equal(lock_finish(&wait), -EINPROGRESS);
	assert_int_equal(sfshm_unlock(&held), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void rank_is_the_finishing_threads(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;
	struct sfshm_lock high;
	char why[200] = "";

	(void)state;
	agent_expect(holder, "locked", "lock key");
	assert_int_equal(
		lock_begin("key",
			   LOCK(.rank = 3, .why = why, .why_size = sizeof(why)),
			   &wait),
		-EINPROGRESS);
	assert_int_equal(sfshm_lock(h, "high", 4, LOCK(.rank = 4), &high), 0);
	agent_expect(holder, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), -EDOM);
	assert_non_null(strstr(why, "key"));
	assert_int_equal(lock_begin("key", LOCK(.rank = 3), &wait), -EDOM);
	assert_int_equal(sfshm_unlock(&high), 0);
	agent_expect(holder, "locked", "lock key");
	assert_int_equal(lock_begin("key", LOCK(.rank = 3), &wait),
			 -EINPROGRESS);
	agent_expect(holder, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_lock(h, "low", 3, LOCK(.rank = 3), &high),
			 -EDOM);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void handle_is_closed(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *holder = many(waits);

	(void)state;
	sleep_until_woken();
	assert_int_equal(sfshm_close(h), 0);
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(finished_by(lock_finish), -ESHUTDOWN);
	assert_int_equal(lock_begin("key", NULL, &waits[0]), -EBADF);
	agent_expect(holder, "ok", "unlock key");
	h = segment_open(NULL);
	assert_sound(h);
}

static void in_the_child(const struct sfshm_wait *parents)
{
	struct sfshm_wait wait;

	demand(lock_begin("key", NULL, &wait) == -ECHILD);
	demand(permit_begin("key", NULL, &wait) == -ECHILD);
	demand(lock_finish(parents) == -ECHILD);
	demand(permit_finish(parents) == -ECHILD);
	_exit(0);
}

static void process_forks(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *holder = many(waits);
	int status, pid = fork();

	(void)state;
	if (!pid)
		in_the_child(&waits[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(watch_waiters("key"), WAITS);
	agent_expect(holder, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_sound(h);
}

/* The lock is held in the old segment, and nobody has it in the new one. */
static void segment_is_replaced(void **state)
{
	struct agent *holder = agent_start(), *resizer = agent_start();
	struct sfshm_wait before, after;

	(void)state;
	agent_expect(holder, "locked", "lock key");
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
	agent_expect(holder, "ok", "unlock key");
	assert_int_equal(finished_by(lock_finish), 0);
	agent_expect(holder, "-EBUSY", "lock key try");
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(finished_by(lock_finish), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	agent_answers(resizer, "ok");
}

/* What a sleeper learns, the loop learns, too. */
static void file_is_removed(void **state)
{
	struct agent *holder = agent_start(), *sleeper = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_say(sleeper, "lock key");
	await_waiters("key", 1);
	assert_int_equal(lock_begin("key", NULL, &wait), -EINPROGRESS);
	assert_int_equal(sfshm_unlink(segment), 0);
	agent_answers(sleeper, "-ESHUTDOWN");
	assert_int_equal(finished_by(lock_finish), -ESHUTDOWN);
	(void)sfshm_close(h);
	h = segment_open(NULL);
}

static void wrong_arguments(void **state)
{
	struct sfshm_wait wait = { .number = 9 };
	char longest[SFSHM_KEY_MAX + 1] = "";

	(void)state;
	assert_int_equal(lock_begin("", NULL, &wait), -EINVAL);
	assert_int_equal(wait.number, 0);
	assert_int_equal(sfshm_lock_async(queue, h, longest, sizeof(longest),
					  NULL, &lock, &wait),
			 -ENAMETOOLONG);
	assert_int_equal(lock_begin("key", LOCK(.flags = 1u << 20), &wait),
			 -EINVAL);
	assert_int_equal(lock_begin("key", LOCK(.rank = 64), &wait), -EINVAL);
	assert_int_equal(sfshm_lock_async(queue, NULL, "key", 3, NULL, &lock,
					  &wait),
			 -EBADF);
	assert_int_equal(sfshm_lock_async(queue, h, "key", 3, NULL, NULL,
					  &wait),
			 -EINVAL);
	assert_int_equal(lock_begin("key", NULL, NULL), -EINVAL);
	assert_int_equal(sfshm_lock_async(NULL, h, "key", 3, NULL, &lock,
					  &wait),
			 -EINVAL);
	assert_int_equal(lock_finish(&(struct sfshm_wait){ .number = 9 }),
			 -ESTALE);
	assert_int_equal(threads(), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* These need the ends of slices. */
		in_queue(at_once),
		in_queue(holder_dies_without_a_word),
		in_queue(file_is_removed),
		in_queue(one_after_another),
		in_queue(beside_a_sleeper),
		in_queue(wait_ends),
		in_queue(only_by_a_call_of_its_kind),
		in_queue(held_by_its_own_thread),
		in_queue(taken_meanwhile_by_its_own_thread),
		in_queue(rank_is_the_finishing_threads),
		in_queue(process_forks),
		in_queue(segment_is_replaced),
		in_queue(wrong_arguments),
		in_queue(holder_is_killed),
		in_queue(holder_is_killed_before_its_wake),
		in_queue(holder_is_killed_before_it_rings),
		in_queue(handle_is_closed),
	};

	return test_main(tests);
}
