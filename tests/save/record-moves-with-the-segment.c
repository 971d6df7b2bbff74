/* SPDX-License-Identifier: MIT */
/*
 * A resize moves the records. A save that is under way ends where it began,
 * and nobody else writes the file.
 */
#include <pthread.h>

#include <sfshm/resize.h>

#include "saving.h"

static const struct sfshm_save_options keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static const struct sfshm_save_options in_vain = {
	.size = sizeof(in_vain),
	.ttl_ms = SFSHM_FOREVER,
	.wait_timeout_ms = 20,
};

static void resize(void)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = 4096 };

	assert_int_equal(sfshm_resize(segment, &o,
				      sfshm_deadline_ms(PATIENCE_MS), NULL,
				      NULL),
			 0);
}

static void at_rest(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	assert_int_equal(saving_save(h, "key", "some text", &keep), 0);
	resize();
	saving_begin(h, "key", &keep, SFSHM_CACHED, &save, NULL);
	assert_int_equal(saving_info(h, "key").bytes, strlen("some text"));
	assert_int_equal(sfshm_close(h), 0);
}

struct writer {
	struct sfshm *handle;
	uint32_t step;
};

static void *write_meanwhile(void *arg)
{
	struct writer *w = arg;
	struct sfshm_save save;

	saving_begin(w->handle, "key", &keep, SFSHM_LEADER, &save, NULL);
	store_release(&w->step, 1);
	demand(eventually(load_acquire(&w->step) == 2));
	saving_write(&save, "some text");
	demand(sfshm_save_publish(&save) == 0);
	return NULL;
}

static void note_flights(uint64_t moved, uint64_t flights, void *seen)
{
	(void)moved;
	if (flights)
		store_release((uint32_t *)seen, 1);
}

static void *resize_meanwhile(void *seen)
{
	struct sfshm_options o = { .size = sizeof(o), .slots = 4096 };

	demand(sfshm_resize(segment, &o, sfshm_deadline_ms(PATIENCE_MS),
			    note_flights, seen) == 0);
	return NULL;
}

static void under_way(void **state)
{
	struct writer w = { .handle = segment_open(NULL) };
	pthread_t writer, resizer;
	struct sfshm_save save;
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_meanwhile, &w), 0);
	assert_true(eventually(load_acquire(&w.step) == 1));
	assert_int_equal(
		pthread_create(&resizer, NULL, resize_meanwhile, &seen), 0);
	assert_true(eventually(load_acquire(&seen) == 1));
	/* Its successor knows that somebody is at it. */
	saving_begin(w.handle, "key", &in_vain, -ETIMEDOUT, &save, NULL);
	store_release(&w.step, 2);
	pthread_join(writer, NULL);
	pthread_join(resizer, NULL);
	assert_string_equal(saving_text(), "some text");
	saving_begin(w.handle, "key", &keep, SFSHM_CACHED, &save, NULL);
	assert_int_equal(sfshm_close(w.handle), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(at_rest),
		in_folder(under_way),
	};

	return test_main(tests);
}
