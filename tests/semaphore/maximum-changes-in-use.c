/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S1: the maximum changes while the semaphore is in use. More permits
 * wake the sleepers. With fewer permits the surplus drains, and no permit is
 * given out until it has.
 */
#include <sfshm/semaphore.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

static void more_wakes_who_sleeps(void **state)
{
	struct agent *a = agent_start(), *heirs[3];

	(void)state;
	agent_expect(a, "ok", "acquire s max=1");
	for (int i = 0; i < 3; i++) {
		heirs[i] = agent_start();
		agent_expect(heirs[i], "ok", "sleep-until-woken");
		agent_say(heirs[i], "acquire s");
	}
	await_waiters("s", 3);
	agent_expect(a, "ok", "set-max s 4");
	for (int i = 0; i < 3; i++)
		agent_answers(heirs[i], "ok");
	agent_expect(a, "4 of 4, 0 wait", "permits s");
}

static void with_fewer_the_surplus_drains(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	for (int i = 0; i < 5; i++)
		agent_expect(a, "ok", "acquire s max=5");
	agent_expect(a, "ok", "set-max s 2");
	agent_expect(b, "5 of 2, 0 wait", "permits s");
	for (int i = 4; i >= 2; i--) {
		char said[32];

		agent_expect(a, "ok", "give-back");
		snprintf(said, sizeof(said), "%d of 2, 0 wait", i);
		agent_expect(b, said, "permits s");
		agent_expect(b, "-EBUSY", "acquire s try");
	}
	agent_expect(a, "ok", "give-back");
	agent_expect(b, "ok", "acquire s try");
	agent_expect(b, "-EBUSY", "acquire s try");
	agent_expect(b, "0", "verify");
}

/* What is left need not be the first words: none may be wasted either. */
static void whichever_are_left(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	for (int i = 0; i < 6; i++)
		agent_expect(i % 2 ? a : b, "ok", "acquire s max=6");
	/* The holders of the second half stay. */
	agent_expect(a, "ok", "set-max s 4");
	agent_expect(b, "ok", "give-back");
	agent_expect(b, "ok", "give-back");
	agent_expect(b, "ok", "give-back");
	agent_expect(b, "3 of 4, 0 wait", "permits s");
	agent_expect(b, "ok", "acquire s try");
	agent_expect(b, "-EBUSY", "acquire s try");
	agent_expect(a, "ok", "set-max s 5");
	agent_expect(b, "ok", "acquire s try");
	agent_expect(b, "-EBUSY", "acquire s try");
	agent_expect(b, "5 of 5, 0 wait", "permits s");
}

/* Stopped on its way to a permit that there no longer is. */
static void nobody_slips_in_under_the_old_one(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "ok", "acquire s max=2");
	agent_expect(b, "ok", "arm permit_noted 1 STOP");
	agent_say(b, "acquire s try");
	agent_stopped(b);
	agent_expect(a, "ok", "set-max s 1");
	agent_signal(b, SIGCONT);
	agent_answers(b, "-EBUSY");
	agent_expect(a, "1 of 1, 0 wait", "permits s");
	agent_expect(a, "0", "verify");
}

static void from_the_start(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "set-max s 2");
	agent_expect(a, "ok", "acquire s max=7");
	agent_expect(a, "1 of 2, 0 wait", "permits s");
	agent_expect(a, "-EINVAL", "set-max s 0");
	agent_expect(a, "-EINVAL", "set-max s 1001");
	agent_expect(a, "ok", "set-max s 1000");
	agent_expect(a, "1 of 1000, 0 wait", "permits s");
}

/* One thread may have them all, and no more. */
static void up_to_the_largest(void **state)
{
	static struct sfshm_permit permits[SFSHM_PERMITS_MAX + 1];
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	o.max = SFSHM_PERMITS_MAX;
	o.flags = SFSHM_SEMAPHORE_TRY;
	for (int i = 0; i < SFSHM_PERMITS_MAX; i++)
		assert_int_equal(sfshm_acquire(h, "s", 1, &o, &permits[i]), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, &o,
				       &permits[SFSHM_PERMITS_MAX]),
			 -EBUSY);
	assert_sound(h);
	for (int i = 0; i < SFSHM_PERMITS_MAX; i++)
		assert_int_equal(sfshm_permit_release(&permits[i]), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(more_wakes_who_sleeps),
		in_segment(with_fewer_the_surplus_drains),
		in_segment(whichever_are_left),
		in_segment(nobody_slips_in_under_the_old_one),
		in_segment(from_the_start),
		in_segment(up_to_the_largest),
	};

	return test_main(tests);
}
