/* SPDX-License-Identifier: MIT */
/*
 * An aborted save leaves no file and makes one of the waiters the writer. A
 * failed save gives them its cause. A save that its thread leaves behind is
 * aborted.
 */
#include <pthread.h>

#include "saving.h"
#include "sync/savefile.h"

static int left;

struct next {
	pthread_t thread;
	struct sfshm *handle;
	int outcome;
	struct sfshm_save_info info;
};

static void *ask(void *arg)
{
	struct next *n = arg;
	struct sfshm_save save;

	n->info = (struct sfshm_save_info)SFSHM_SAVE_INFO_INIT;
	n->outcome = sfshm_save_begin(n->handle, "key", 3, saving_path("file"),
				      NULL, &save, &n->info);
	if (n->outcome == SFSHM_LEADER) {
		saving_write(&save, "the next one's");
		demand(sfshm_save_publish(&save) == 0);
	}
	return NULL;
}

static void wait_for_it(struct next *n, struct sfshm_save *save)
{
	assert_int_equal(pthread_create(&n->thread, NULL, ask, n), 0);
	assert_true(
		eventually(sfshm_flight_waiters(sfshm_save_flight(save)) == 1));
}

static void begin(struct sfshm *h, struct sfshm_save *save, int named)
{
	savefile_named_only = named;
	saving_begin(h, "key", NULL, SFSHM_LEADER, save, NULL);
	saving_write(save, "half of i");
	savefile_named_only = false;
	assert_int_equal(saving_entries(), named);
}

static void aborted(void **state)
{
	struct next n = { .handle = segment_open(NULL) };
	struct sfshm_save save;

	(void)state;
	for (int named = 0; named < 2; named++) {
		begin(n.handle, &save, named);
		wait_for_it(&n, &save);
		assert_int_equal(sfshm_save_abort(&save), 0);
		assert_int_equal(sfshm_save_abort(&save), -ESTALE);
		pthread_join(n.thread, NULL);
		assert_int_equal(n.outcome, SFSHM_LEADER);
		assert_false(n.info.owner_died);
		assert_string_equal(saving_text(), "the next one's");
		assert_int_equal(saving_entries(), 1);
		assert_int_equal(unlink(saving_path("file")), 0);
	}
	assert_int_equal(sfshm_close(n.handle), 0);
}

static void failed(void **state)
{
	struct next n = { .handle = segment_open(NULL) };
	struct sfshm_save save;

	(void)state;
	begin(n.handle, &save, 1);
	wait_for_it(&n, &save);
	assert_int_equal(sfshm_save_fail(&save, 0, "no code"), -EINVAL);
	assert_int_equal(sfshm_save_fail(&save, -EIO, "the disk"), 0);
	pthread_join(n.thread, NULL);
	assert_int_equal(n.outcome, -EREMOTEIO);
	assert_int_equal(n.info.code, -EIO);
	assert_string_equal(n.info.message, "the disk");
	assert_int_equal(saving_entries(), 0);
	assert_int_equal(sfshm_close(n.handle), 0);
}

static void guarded(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	{
		SFSHM_SAVE_GUARDED struct sfshm_save save = SFSHM_SAVE_INIT;

		begin(h, &save, 1);
	}
	assert_int_equal(saving_entries(), 0);
	assert_int_equal(saving_save(h, "key", "text", NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void *begin_and_leave(void *handle)
{
	struct sfshm_save save;

	begin(handle, &save, 1);
	/* The descriptor is all that it leaves open. */
	left = sfshm_save_fd(&save);
	return NULL;
}

static void left_behind(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, begin_and_leave, h), 0);
	pthread_join(thread, NULL);
	assert_int_equal(close(left), 0);
	assert_int_equal(saving_entries(), 1);
	begin(h, &save, 0);
	assert_int_equal(saving_entries(), 0);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(aborted),
		in_folder(failed),
		in_folder(guarded),
		in_folder(left_behind),
	};

	return test_main(tests);
}
