/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C9: a resize waits for what is led or held in the old segment. A
 * thread that leads a flight, or holds a lock or permit there, would wait for
 * itself: its call is refused, and nothing has changed.
 */
#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "resize/resizing.h"

static char why[256];

static int resize(void)
{
	struct sfshm_options wish = {
		.size = sizeof(wish),
		.slots = 2000,
		.why = why,
		.why_size = sizeof(why),
	};

	return sfshm_resize(segment, &wish, 0, NULL, NULL);
}

static void refused(void)
{
	assert_int_equal(resize(), -EDEADLK);
	assert_non_null(strstr(why, "end it first"));
	assert_int_equal(resizing_files(), 1);
	assert_int_not_equal(resizing_look().slots, 2000);
}

static void accepted(struct sfshm *h)
{
	assert_int_equal(resize(), 0);
	assert_int_equal(resizing_look().slots, 2000);
	assert_int_equal(sfshm_close(h), 0);
}

static void leaders(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	refused();
	assert_int_equal(sfshm_publish(&flight, "1", 1), 0);
	accepted(h);
}

static void holders_of_locks(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	refused();
	assert_int_equal(sfshm_unlock(&lock), 0);
	accepted(h);
}

static void holders_of_permits(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	refused();
	assert_int_equal(sfshm_permit_release(&permit), 0);
	accepted(h);
}

/* Another thread resized, and waits; this one would finish that resize. */
static void in_a_segment_that_is_being_replaced(void **state)
{
	struct resizing *z = resizing_make(1000);
	struct sfshm *h = segment_open(NULL);
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	z->patience_ms = 30;
	assert_int_equal(child_gone(resizing_start(z)), 0);
	assert_int_equal(z->outcome, -ETIMEDOUT);
	assert_int_equal(sfshm_resize(segment, NULL, 0, NULL, NULL), -EDEADLK);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(resizing_finish(), 0);
	accepted(h);
}

/* What the process's other threads lead is waited for. */
static void other_threads_may(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one locked", "@one lock key");
	agent_say(a, "@two resize %s slots=2000", segment);
	resizing_await(2000);
	watch_end();
	agent_say(a, "@one unlock key");
	agent_answers_both(a, "@one ok", "@two ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(leaders),
		in_segment(holders_of_locks),
		in_segment(holders_of_permits),
		in_segment(in_a_segment_that_is_being_replaced),
		in_segment(other_threads_may),
	};

	return test_main(tests);
}
