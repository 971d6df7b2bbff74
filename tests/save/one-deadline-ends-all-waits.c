/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C8: a save that needs a permit has one time-out for its waits for
 * the reservation and for the permit, in two segments, too. The library's clock
 * moves only as far as the test moves it.
 */
#include <pthread.h>

#include <sfshm/resize.h>
#include <sfshm/semaphore.h>

#include "saving.h"
#include "watch.h"

static const struct sfshm_save_options patient = {
	.size = sizeof(patient),
	.wait_timeout_ms = 1000000,
	.semaphore = "writers",
	.semaphore_len = 7,
};

struct waiter {
	pthread_t thread;
	struct sfshm *handle;
	uint32_t done;
	int outcome;
};

static void *ask(void *arg)
{
	struct waiter *w = arg;
	struct sfshm_save save;

	w->outcome = sfshm_save_begin(w->handle, "key", 3, saving_path("file"),
				      &patient, &save, NULL);
	store_release(&w->done, 1);
	return NULL;
}

static uint32_t permit_waiters(struct sfshm *h)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	demand(sfshm_semaphore_info(h, "writers", 7, &info) == 0);
	return info.waiters;
}

/* A writer has the reservation, and this thread the only permit. */
static void take_all(struct sfshm *h, struct sfshm_save *save,
		     struct sfshm_permit *permit)
{
	struct sfshm_semaphore_options one = SFSHM_SEMAPHORE_OPTIONS_INIT;

	one.max = 1;
	assert_int_equal(sfshm_acquire(h, "writers", 7, &one, permit), 0);
	saving_begin(h, "key", NULL, SFSHM_LEADER, save, NULL);
}

static void start(struct waiter *w)
{
	assert_int_equal(pthread_create(&w->thread, NULL, ask, w), 0);
	await_waiters("key", 1);
}

/* Half of the time has passed with the first wait. */
static void expect_the_other_half(struct waiter *w)
{
	assert_true(eventually(permit_waiters(w->handle) == 1));
	clock_advance(400000);
	assert_int_equal(permit_waiters(w->handle), 1);
	assert_false(load_acquire(&w->done));
	clock_advance(200000);
	assert_true(eventually(load_acquire(&w->done)));
	pthread_join(w->thread, NULL);
	assert_int_equal(w->outcome, -ETIMEDOUT);
}

static void in_one_segment(void **state)
{
	struct waiter w = { .handle = segment_open(NULL) };
	struct sfshm_permit permit;
	struct sfshm_save save;

	(void)state;
	clock_advance(0);
	take_all(w.handle, &save, &permit);
	start(&w);
	clock_advance(500000);
	assert_int_equal(sfshm_save_abort(&save), 0);
	expect_the_other_half(&w);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	/* Nothing is held after that. */
	assert_int_equal(saving_save(w.handle, "key", "text", &patient), 0);
	assert_int_equal(sfshm_close(w.handle), 0);
}

static void note_flights(uint64_t moved, uint64_t flights, void *seen)
{
	(void)moved;
	if (flights)
		store_release((uint32_t *)seen, 1);
}

static void *resize(void *seen)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = 4096 };

	demand(sfshm_resize(segment, &o, 0, note_flights, seen) == 0);
	return NULL;
}

static void in_two_segments(void **state)
{
	struct waiter w = { .handle = segment_open(NULL) };
	struct sfshm_permit permit;
	struct sfshm_save save;
	pthread_t resizer;
	uint32_t seen = 0;

	(void)state;
	clock_advance(0);
	take_all(w.handle, &save, &permit);
	start(&w);
	assert_int_equal(pthread_create(&resizer, NULL, resize, &seen), 0);
	assert_true(eventually(load_acquire(&seen) == 1));
	clock_advance(500000);
	assert_int_equal(sfshm_save_abort(&save), 0);
	expect_the_other_half(&w);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	pthread_join(resizer, NULL);
	assert_int_equal(sfshm_close(w.handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(in_one_segment),
		in_folder(in_two_segments),
	};

	return test_main(tests);
}
