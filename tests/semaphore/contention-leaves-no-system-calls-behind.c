/* SPDX-License-Identifier: MIT */
/*
 * Once nobody sleeps, taking a permit and giving it back makes no system call.
 */
#include <sfshm/semaphore.h>

#include "agent.h"
#include "os/sys.h"
#include "testing.h"
#include "watch.h"

static int wakes;
static int (*real_wake)(uint32_t *word, int count);

static int counted_wake(uint32_t *word, int count)
{
	wakes++;
	return real_wake(word, count);
}

static void take_turns(struct sfshm *h, int n)
{
	struct sfshm_permit permit;

	for (int i = 0; i < n; i++) {
		assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
		assert_int_equal(sfshm_permit_release(&permit), 0);
	}
}

static void after_somebody_slept(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *a = agent_start();
	struct sfshm_permit permit;

	(void)state;
	real_wake = sys.wake;
	sys.wake = counted_wake;
	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, 1), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	agent_say(a, "acquire s");
	await_waiters("s", 1);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	agent_answers(a, "ok");
	agent_expect(a, "ok", "give-back");
	/* The one that finds nobody asleep, and says so. */
	take_turns(h, 1);
	wakes = 0;
	take_turns(h, 100);
	assert_int_equal(wakes, 0);
	sys.wake = real_wake;
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(after_somebody_slept),
	};

	return test_main(tests);
}
