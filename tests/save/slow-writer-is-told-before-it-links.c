/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S5: a writer whose reservation has run out and was taken gets an
 * error at its publish. Its temporary file is gone, and the next writer's file
 * stands.
 */
#include <pthread.h>

#include "saving.h"
#include "sync/savefile.h"
#include "watch.h"

static const struct sfshm_save_options brief = {
	.size = sizeof(brief),
	.ttl_ms = SFSHM_FOREVER,
	.reserve_ms = 20,
};

struct slow {
	struct sfshm *handle;
	uint32_t *told;
	int outcome;
};

/* Both writers are threads: each has a participant of its own. */
static void *write_slowly(void *arg)
{
	struct slow *s = arg;
	struct sfshm_save save;

	saving_begin(s->handle, "key", &brief, SFSHM_LEADER, &save, NULL);
	saving_write(&save, "the slow one's");
	store_release(s->told, 1);
	demand(eventually(load_acquire(s->told) == 2));
	s->outcome = sfshm_save_publish(&save);
	demand(sfshm_save_publish(&save) == -ESTALE);
	demand(sfshm_save_fd(&save) == -EBADF);
	return NULL;
}

static void late(void)
{
	uint32_t told = 0;
	struct slow slow = { .handle = segment_open(NULL), .told = &told };
	struct sfshm_save save;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &slow), 0);
	assert_true(eventually(load_acquire(&told) == 1));
	/* Waits until the reservation has run out, and takes it. */
	saving_begin(slow.handle, "key", &brief, SFSHM_LEADER, &save, NULL);
	saving_write(&save, "the other's");
	assert_int_equal(sfshm_save_publish(&save), 0);
	store_release(&told, 2);
	pthread_join(thread, NULL);
	assert_int_equal(slow.outcome, -ESTALE);
	assert_string_equal(saving_text(), "the other's");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(watch_counter("saves_expired"), 1);
	assert_int_equal(saving_info(slow.handle, "key").bytes,
			 strlen("the other's"));
	assert_sound(slow.handle);
	assert_int_equal(sfshm_close(slow.handle), 0);
}

static void unnamed_files(void **state)
{
	(void)state;
	late();
}

static void named_files(void **state)
{
	(void)state;
	savefile_named_only = true;
	late();
	savefile_named_only = false;
}

/* Before the next writer is done as well. */
static void while_the_other_writes(void **state)
{
	uint32_t told = 0;
	struct slow slow = { .handle = segment_open(NULL), .told = &told };
	struct sfshm_save save;
	pthread_t thread;

	(void)state;
	savefile_named_only = true;
	assert_int_equal(pthread_create(&thread, NULL, write_slowly, &slow), 0);
	assert_true(eventually(load_acquire(&told) == 1));
	saving_begin(slow.handle, "key", &brief, SFSHM_LEADER, &save, NULL);
	store_release(&told, 2);
	pthread_join(thread, NULL);
	savefile_named_only = false;
	assert_int_equal(slow.outcome, -ESTALE);
	assert_string_equal(saving_text(), "");
	assert_int_equal(saving_entries(), 1);
	saving_write(&save, "the other's");
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_string_equal(saving_text(), "the other's");
	assert_int_equal(saving_entries(), 1);
	assert_int_equal(sfshm_close(slow.handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(unnamed_files),
		in_folder(named_files),
		in_folder(while_the_other_writes),
	};

	return test_main(tests);
}
