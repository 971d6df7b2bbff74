/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S7: saves by reason, duplicates dropped, adopted, expired, aborted.
 * (Other tests, of adopting and expiring saves, count those.)
 */
#include "saving.h"
#include "watch.h"

static void expect(int saves, int again, int present, int aborted)
{
	assert_int_equal(watch_counter("saves"), saves);
	assert_int_equal(watch_counter("saves_again"), again);
	assert_int_equal(watch_counter("saves_present"), present);
	assert_int_equal(watch_counter("saves_aborted"), aborted);
	assert_int_equal(watch_counter("saves_adopted"), 0);
	assert_int_equal(watch_counter("saves_expired"), 0);
}

static void each_by_its_reason(void **state)
{
	struct sfshm_save_options o = {
		.size = sizeof(o),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h = segment_open(NULL);
	struct sfshm_save save;

	(void)state;
	assert_int_equal(saving_save(h, "key", "a", &o), 0);
	expect(1, 0, 0, 0);
	saving_begin(h, "key", &o, SFSHM_CACHED, &save, NULL);
	expect(1, 0, 1, 0);
	o.flags = SFSHM_SAVE_AGAIN;
	assert_int_equal(saving_save(h, "key", "b", &o), 0);
	expect(1, 1, 1, 0);
	saving_begin(h, "key", &o, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_abort(&save), 0);
	expect(1, 1, 1, 1);
	saving_begin(h, "key", &o, SFSHM_LEADER, &save, NULL);
	assert_int_equal(sfshm_save_fail(&save, -5, "no"), 0);
	expect(1, 1, 1, 2);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(each_by_its_reason),
	};

	return test_main(tests);
}
