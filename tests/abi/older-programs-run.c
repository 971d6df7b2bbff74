/* SPDX-License-Identifier: MIT */
/*
 * A program that was built against an older header works with this library.
 * Its structs are shorter: the library takes what they lack as 0, although what
 * follows them in memory is not, and writes nothing behind their ends.
 */
#include "abi/abi.h"

#define BEHIND 4096

/* A shorter struct, and the bytes that lie behind it. */
#define WITH_BEHIND(type)                     \
	struct {                              \
		type it;                      \
		unsigned char behind[BEHIND]; \
	}

#define prepare(s)                             \
	(memset(&(s)->it, 0, sizeof((s)->it)), \
	 memset((s)->behind, 0xa5, BEHIND), (s)->it.size = sizeof((s)->it))

static void assert_untouched(const unsigned char *behind)
{
	for (size_t i = 0; i < BEHIND; i++)
		assert_int_equal(behind[i], 0xa5);
}

static int work_well(struct sfshm_flight *f, void *arg)
{
	return sfshm_publish(f, arg, strlen(arg));
}

static int work_badly(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_fail(f, -EIO, "no luck");
}

static void flights(void **state)
{
	WITH_BEHIND(struct sfshm_policy) policy;
	WITH_BEHIND(struct sfshm_result) result;
	struct sfshm_flight f;

	(void)state;
	prepare(&policy);
	prepare(&result);
	policy.it.ttl_ms = SFSHM_FOREVER;
	assert_int_equal(sfshm_wait(handle, "k", 1, &policy.it, &result.it),
			 -ENODATA);
	assert_int_equal(sfshm_begin(handle, "k", 1, &policy.it, &f,
				     &result.it),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&f, "value", 5), 0);
	assert_int_equal(sfshm_get(handle, "k", 1, &result.it), SFSHM_CACHED);
	assert_int_equal(result.it.value.len, 5);
	assert_int_equal(sfshm_begin(handle, "k", 1, &policy.it, &f,
				     &result.it),
			 SFSHM_CACHED);
	sfshm_result_clear(&result.it);
	assert_int_equal(result.it.size, sizeof(result.it));
	assert_untouched(result.behind);
}

static void work(void **state)
{
	WITH_BEHIND(struct sfshm_policy) policy;
	WITH_BEHIND(struct sfshm_result) result;

	(void)state;
	prepare(&policy);
	prepare(&result);
	policy.it.ttl_ms = SFSHM_FOREVER;
	policy.it.stale_if_error_ms = SFSHM_FOREVER;
	assert_int_equal(sfshm_do(handle, "k", 1, &policy.it, work_well, "old",
				  &result.it),
			 SFSHM_COMPUTED);
	assert_memory_equal(result.it.value.data, "old", 3);
	assert_int_equal(sfshm_invalidate(handle, "k", 1, 0), 0);
	assert_int_equal(sfshm_do(handle, "k", 1, &policy.it, work_badly, NULL,
				  &result.it),
			 SFSHM_CACHED);
	assert_int_equal(result.it.stale, 1);
	assert_int_equal(result.it.code, -EIO);
	sfshm_result_clear(&result.it);
	assert_untouched(result.behind);
}

static void locks_and_permits(void **state)
{
	WITH_BEHIND(struct sfshm_lock_options) how;
	WITH_BEHIND(struct sfshm_semaphore_options) many;
	WITH_BEHIND(struct sfshm_semaphore_info) info;
	struct sfshm_permit permit;
	struct sfshm_lock one, two;

	(void)state;
	prepare(&how);
	prepare(&many);
	prepare(&info);
	how.it.rank = 2;
	assert_int_equal(sfshm_lock(handle, "a", 1, &how.it, &one), 0);
	assert_int_equal(sfshm_lock(handle, "b", 1, &how.it, &two), -EDOM);
	assert_int_equal(sfshm_unlock(&one), 0);
	many.it.max = 3;
	assert_int_equal(sfshm_acquire(handle, "s", 1, &many.it, &permit), 0);
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info.it), 0);
	assert_int_equal(info.it.max, 3);
	assert_int_equal(info.it.in_use, 1);
	assert_untouched(info.behind);
	assert_int_equal(sfshm_permit_release(&permit), 0);
}

static void saves(void **state)
{
	WITH_BEHIND(struct sfshm_save_options) how;
	WITH_BEHIND(struct sfshm_save_info) info;
	struct sfshm_save save;
	char path[128];

	(void)state;
	prepare(&how);
	prepare(&info);
	snprintf(path, sizeof(path), "/tmp/test-abi-%d", (int)getpid());
	how.it.ttl_ms = SFSHM_FOREVER;
	assert_int_equal(sfshm_save_begin(handle, "k", 1, path, &how.it, &save,
					  &info.it),
			 SFSHM_LEADER);
	assert_int_equal(write(sfshm_save_fd(&save), "12345", 5), 5);
	assert_int_equal(sfshm_save_publish(&save), 0);
	assert_int_equal(sfshm_save_get(handle, "k", 1, &info.it),
			 SFSHM_CACHED);
	assert_int_equal(info.it.bytes, 5);
	assert_untouched(info.behind);
	assert_int_equal(unlink(path), 0);
}

static void views(void **state)
{
	WITH_BEHIND(struct sfshm_segment_info) whole;
	WITH_BEHIND(struct sfshm_participant_info) who;
	WITH_BEHIND(struct sfshm_slot_info) slot;
	struct sfshm_view *view;
	struct sfshm_lock lock;

	(void)state;
	prepare(&whole);
	prepare(&who);
	prepare(&slot);
	assert_int_equal(sfshm_lock(handle, "a key", 5, NULL, &lock), 0);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &whole.it), 0);
	assert_int_equal(whole.it.slots, 64);
	assert_untouched(whole.behind);
	assert_int_equal(sfshm_view_participant(view, 0, &who.it), 0);
	assert_int_equal(who.it.alive, 1);
	assert_untouched(who.behind);
	assert_int_equal(sfshm_view_slot(view, 0, &slot.it), 0);
	assert_memory_equal(slot.it.key, "a key", 5);
	assert_untouched(slot.behind);
	sfshm_view_close(view);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void segments(void **state)
{
	WITH_BEHIND(struct sfshm_options) o;
	struct sfshm *again;

	(void)state;
	prepare(&o);
	o.it.slots = 128;
	assert_int_equal(sfshm_open(&again, segment, &o.it), 0);
	assert_int_equal(sfshm_close(again), 0);
	assert_int_equal(sfshm_resize(segment, &o.it, 0, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		abi_test(flights), abi_test(work),  abi_test(locks_and_permits),
		abi_test(saves),   abi_test(views), abi_test(segments),
	};

	return abi_main(tests, sizeof(tests) / sizeof(tests[0]));
}
