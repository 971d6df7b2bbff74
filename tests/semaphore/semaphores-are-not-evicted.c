/* SPDX-License-Identifier: MIT */
/*
 * A semaphore stays, with its maximum and its holders, whatever keys come and
 * go: neither want of room nor a purge removes it, nor does forgetting a value
 * of its name. Only if there is no room to make a semaphore, a call answers an
 * error.
 */
#include <sfshm/semaphore.h>

#include "testing.h"
#include "watch.h"

static const struct sfshm_options tiny = {
	.slots = 8,
	.bytes = 16 << 10,
	.max_value = 4 << 10,
};

static void crowd_out(struct sfshm *h)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char value[3000] = "";

	for (int i = 0; i < 100; i++) {
		assert_int_equal(sfshm_begin(h, &i, sizeof(i), &keep, &flight,
					     &result),
				 SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&flight, value, sizeof(value)),
				 0);
	}
	assert_true(watch_counter("evictions") > 50);
}

static void is_there(struct sfshm *h, const char *name, uint32_t max,
		     uint32_t in_use)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	assert_int_equal(sfshm_semaphore_info(h, name, strlen(name), &info), 0);
	assert_int_equal(info.max, max);
	assert_int_equal(info.in_use, in_use);
}

static void for_want_of_room(void **state)
{
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_permit permit;

	(void)state;
	assert_int_equal(sfshm_semaphore_set_max(h, "idle", 4, 7), 0);
	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, 3), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	crowd_out(h);
	is_there(h, "idle", 7, 0);
	is_there(h, "s", 3, 1);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	is_there(h, "s", 3, 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void by_request(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, 3), 0);
	assert_int_equal(sfshm_purge(h), 0);
	assert_int_equal(sfshm_forget(h, "s", 1), -ENODATA);
	assert_int_equal(sfshm_invalidate(h, "s", 1, SFSHM_HARD), -ENODATA);
	assert_int_equal(sfshm_invalidate_all(h, SFSHM_HARD), 0);
	is_there(h, "s", 3, 1);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Four take all the memory there is: the next one is refused, they work on. */
static void one_too_many_is_refused(void **state)
{
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_permit permit;
	char name = 'a';
	int r = 0;

	(void)state;
	while (!r && name < 'z')
		r = sfshm_semaphore_set_max(h, &name, 1, 2) ?: !name++;
	assert_int_equal(r, -ENOSPC);
	assert_in_range(name, 'b', 'f');
	assert_int_equal(sfshm_acquire(h, "a", 1, NULL, &permit), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* The same name is one thing as a value's key and another as a semaphore's. */
static void names_are_their_own(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;
	struct sfshm_permit permit;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(sfshm_get(h, "s", 1, &result), -ENODATA);
	assert_int_equal(sfshm_begin(h, "s", 1, NULL, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(for_want_of_room),
		in_segment(by_request),
		in_segment(one_too_many_is_refused),
		in_segment(names_are_their_own),
	};

	return test_main(tests);
}
