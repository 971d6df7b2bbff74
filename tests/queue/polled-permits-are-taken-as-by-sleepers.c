/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q7: A polled wait for a permit ends as that of a sleeping caller
 * does.
 */
#include "held.h"

#include <sfshm/release.h>
#include <signal.h>

#include "os/sys.h"

#define WAITS 20

/* Begins waits for the permits of a semaphore that another process holds. */
static struct agent *many(struct sfshm_wait waits[WAITS], int max)
{
	struct agent *holder = agent_start();
	char line[64];

	for (int i = 0; i < max; i++)
		agent_expect(holder, "ok", "acquire s max=%d", max);
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(permit_begin("s", NULL, &waits[i]),
				 -EINPROGRESS);
	snprintf(line, sizeof(line), "%d of %d, %d wait", max, max, WAITS);
	agent_expect(holder, line, "permits s");
	assert_false(readable(0));
	return holder;
}

static void at_once(void **state)
{
	struct agent *other = agent_start();
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(permit_begin("s", PERMIT(.max = 1), &wait), 0);
	assert_int_equal(wait.number, 0);
	agent_expect(other, "1 of 1, 0 wait", "permits s");
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_expect(other, "ok", "acquire s");
	assert_int_equal(permit_begin("s", PERMIT(.flags = SFSHM_SEMAPHORE_TRY),
				      &wait),
			 -EBUSY);
	assert_int_equal(wait.number, 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_kill(other);
	assert_int_equal(permit_begin("s", PERMIT(.flags = SFSHM_SEMAPHORE_TRY),
				      &wait),
			 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(threads(), 1);
	assert_sound(h);
}

/*
 * A permit that comes back makes each wait ready once, and wakes nobody else.
 * The first one that is finished gets it, and none has it before.
 */
static void one_after_another(void **state)
{
	struct sfshm_wait waits[WAITS];
	struct agent *holder = many(waits, 1);
	uint64_t before = watch_counter("wakeups");

	(void)state;
	agent_expect(holder, "ok", "give-back");
	for (int left = WAITS; left; left--) {
		struct sfshm_permit had;

		assert_true(readable(PATIENCE_MS));
		assert_int_equal(watch_waiters("s"), (uint32_t)left);
		assert_int_equal(finished_by(permit_finish), 0);
		had = permit;
		for (int i = 1; i < left; i++) {
			struct sfshm_wait wait = told();

			assert_int_equal(permit_finish(&wait), -EINPROGRESS);
		}
		assert_false(readable(0));
		assert_int_equal(watch_waiters("s"), (uint32_t)left - 1);
		assert_int_equal(sfshm_permit_release(&had), 0);
	}
	assert_int_equal(watch_counter("wakeups") - before, WAITS);
	assert_false(readable(0));
	assert_sound(h);
}

/* Also if this loop is stuck. One sleeper is woken, as if it were alone. */
static void beside_a_sleeper(void **state)
{
	struct agent *holder = agent_start(), *sleeper = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_say(sleeper, "acquire s");
	await_waiters("s", 1);
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	await_waiters("s", 2);
	agent_asleep(sleeper);
	agent_expect(holder, "ok", "give-back");
	wait = told();
	agent_answers(sleeper, "ok");
	for (int i = 0; i < 100; i++) {
		agent_expect(sleeper, "ok", "give-back");
		agent_expect(sleeper, "ok", "acquire s");
	}
	assert_int_equal(permit_finish(&wait), -EINPROGRESS);
	agent_expect(sleeper, "ok", "give-back");
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

static void wait_ends(void **state)
{
	struct sfshm_cancel token = { 0 };
	struct sfshm_wait wait, other;
	uint32_t ms = 10;
	int r;
	struct agent *holder = agent_start();

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &other), -EINPROGRESS);
	/* A busy machine may reach the deadline before the call waits. */
	do {
		ms *= 2;
		r = permit_begin("s", PERMIT(.wait_timeout_ms = ms), &wait);
	} while (r == -ETIMEDOUT);
	assert_int_equal(r, -EINPROGRESS);
	assert_int_equal(finished_by(permit_finish), -ETIMEDOUT);
	assert_int_equal(permit_begin("s", PERMIT(.cancel = &token), &wait),
			 -EINPROGRESS);
	sfshm_cancel_fire(&token);
	assert_int_equal(finished_by(permit_finish), -ECANCELED);
	assert_false(readable(0));
	agent_expect(holder, "1 of 1, 1 wait", "permits s");
	assert_int_equal(sfshm_wait_cancel(queue, &other), 0);
	assert_int_equal(permit_finish(&other), -ESTALE);
	agent_expect(holder, "1 of 1, 0 wait", "permits s");
	agent_expect(holder, "ok", "give-back");
	assert_int_equal(
		permit_begin("s",
			     PERMIT(.cancel = &token,
				    .flags = SFSHM_SEMAPHORE_CANCEL_FIRST),
			     &wait),
		-ECANCELED);
	agent_expect(holder, "ok", "acquire s try");
	assert_sound(h);
}

static void maximum_is_raised(void **state)
{
	struct sfshm_wait waits[WAITS];
	struct agent *holder;

	(void)state;
	sleep_until_woken();
	holder = many(waits, 1);
	agent_expect(holder, "ok", "set-max s 4");
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(finish_all(permit_finish, 0), 0);
	assert_int_equal(sfshm_release_all(h, 0), 3);
	assert_sound(h);
}

/* Nobody removes a semaphore that a wait is for. */
static void semaphore_is_in_use(void **state)
{
	struct agent *holder = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	agent_expect(holder, "ok", "give-back");
	assert_int_equal(told().number, wait.number);
	agent_expect(holder, "-EBUSY", "remove s");
	assert_int_equal(sfshm_wait_cancel(queue, &wait), 0);
	agent_expect(holder, "ok", "remove s");
	assert_sound(h);
}

/* The wait is for the maker first, and then for a permit. */
static void maker_is_stopped(void **state)
{
	struct agent *maker = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(maker, "ok", "arm slot_busy 1 STOP");
	agent_say(maker, "acquire s max=1");
	agent_stopped(maker);
	assert_int_equal(permit_begin("s", PERMIT(.max = 1), &wait),
			 -EINPROGRESS);
	assert_false(readable(0));
	agent_signal(maker, SIGCONT);
	agent_answers(maker, "ok");
	wait = told();
	assert_int_equal(permit_finish(&wait), -EINPROGRESS);
	assert_false(readable(0));
	agent_expect(maker, "ok", "give-back");
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

/* A thread may wait for itself, since it does not sleep. */
static void held_by_its_own_thread(void **state)
{
	struct sfshm_wait wait;
	struct sfshm_permit held;

	(void)state;
	assert_int_equal(permit_begin("s", PERMIT(.max = 1), &wait), 0);
	held = permit;
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	assert_int_equal(permit_finish(&wait), -EINPROGRESS);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), -EDEADLK);
	assert_int_equal(sfshm_permit_release(&held), 0);
	assert_int_equal(finished_by(permit_finish), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
}

static void handle_is_closed(void **state)
{
	struct sfshm_wait waits[WAITS];
	struct agent *holder;

	(void)state;
	sleep_until_woken();
	holder = many(waits, 2);
	assert_int_equal(sfshm_close(h), 0);
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(finished_by(permit_finish), -ESHUTDOWN);
	agent_expect(holder, "2 of 2, 0 wait", "permits s");
	h = segment_open(NULL);
	assert_sound(h);
}

/* Permits of the old segment count in the new one. */
static void segment_is_replaced(void **state)
{
	struct agent *holder = agent_start(), *resizer = agent_start();
	struct sfshm_wait before, after;
	struct sfshm_permit first;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=2");
	agent_expect(holder, "ok", "acquire s");
	assert_int_equal(permit_begin("s", NULL, &before), -EINPROGRESS);
	agent_say(resizer, "resize %s slots=4096", segment);
	agent_asleep(resizer);
	assert_int_equal(lock_begin("other", NULL, &after), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(permit_begin("s", NULL, &after), -EINPROGRESS);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(permit_finish(&after), -EINPROGRESS);
		assert_int_equal(permit_finish(&before), -EINPROGRESS);
	}
	agent_expect(holder, "2 of 2, 2 wait", "permits s");
	agent_expect(holder, "ok", "give-back");
	assert_int_equal(finished_by(permit_finish), 0);
	first = permit;
	agent_expect(holder, "2 of 2, 1 wait", "permits s");
	agent_expect(holder, "ok", "give-back");
	assert_int_equal(finished_by(permit_finish), 0);
	agent_answers(resizer, "ok");
	agent_expect(holder, "2 of 2, 0 wait", "permits s");
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_permit_release(&first), 0);
}

/* This thread reads a clock; before the read that `due` counts down to, the
   holder gives its permit back. */
static struct sys_ops real;
static __thread int due;
static struct agent *giver;

static void come_to_it(void)
{
	if (due && !--due)
		agent_expect(giver, "ok", "give-back");
}

static uint64_t now(void)
{
	come_to_it();
	return real.now();
}

static uint64_t coarse(void)
{
	come_to_it();
	return real.coarse();
}

/*
 * The permit comes back in the old segment at each moment of a call that begins
 * to wait in the new one.
 */
static void holder_gives_back_as_the_wait_begins(void **state)
{
	struct agent *resizer = agent_start();
	struct sfshm_wait wait;
	bool came;
	int r;

	(void)state;
	giver = agent_start();
	real = sys;
	for (int moment = 1;; moment++) {
		agent_expect(giver, "ok", "acquire s max=1");
		agent_say(resizer, "resize %s slots=4096", segment);
		agent_asleep(resizer);
		assert_int_equal(lock_begin("other", NULL, &wait), 0);
		assert_int_equal(sfshm_unlock(&lock), 0);
		due = moment;
		sys.now = now;
		sys.coarse = coarse;
		r = permit_begin("s", NULL, &wait);
		sys = real;
		came = !due;
		due = 0;
		if (!came)
			agent_expect(giver, "ok", "give-back");
		if (r == -EINPROGRESS)
			r = finished_by(permit_finish);
		assert_int_equal(r, 0);
		assert_int_equal(sfshm_permit_release(&permit), 0);
		agent_answers(resizer, "ok");
		if (!came)
			break;
	}
}

static void file_is_removed(void **state)
{
	struct agent *holder = agent_start(), *sleeper = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(holder, "ok", "acquire s max=1");
	agent_say(sleeper, "acquire s");
	await_waiters("s", 1);
	assert_int_equal(permit_begin("s", NULL, &wait), -EINPROGRESS);
	assert_int_equal(sfshm_unlink(segment), 0);
	agent_answers(sleeper, "-ESHUTDOWN");
	assert_int_equal(finished_by(permit_finish), -ESHUTDOWN);
	(void)sfshm_close(h);
	h = segment_open(NULL);
}

static void wrong_arguments(void **state)
{
	struct sfshm_wait wait = { .number = 9 };

	(void)state;
	assert_int_equal(permit_begin("", NULL, &wait), -EINVAL);
	assert_int_equal(wait.number, 0);
	assert_int_equal(permit_begin("s", PERMIT(.flags = 1u << 20), &wait),
			 -EINVAL);
	assert_int_equal(permit_begin("s", PERMIT(.max = 1001), &wait),
			 -EINVAL);
	assert_int_equal(sfshm_acquire_async(queue, NULL, "s", 1, NULL, &permit,
					     &wait),
			 -EBADF);
	assert_int_equal(sfshm_acquire_async(queue, h, "s", 1, NULL, NULL,
					     &wait),
			 -EINVAL);
	assert_int_equal(permit_begin("s", NULL, NULL), -EINVAL);
	assert_int_equal(threads(), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* The first of these need the ends of slices. */
		in_queue(at_once),
		in_queue(segment_is_replaced),
		in_queue(holder_gives_back_as_the_wait_begins),
		in_queue(file_is_removed),
		in_queue(one_after_another),
		in_queue(beside_a_sleeper),
		in_queue(wait_ends),
		in_queue(semaphore_is_in_use),
		in_queue(maker_is_stopped),
		in_queue(held_by_its_own_thread),
		in_queue(wrong_arguments),
		in_queue(maximum_is_raised),
		in_queue(handle_is_closed),
	};

	return test_main(tests);
}
