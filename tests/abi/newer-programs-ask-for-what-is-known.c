/* SPDX-License-Identifier: MIT */
/*
 * To a program that was built against a newer header this library is the old
 * one. The program's structs are longer: the library does what it is asked for
 * as long as the newer fields are 0, refuses with -E2BIG if one is not, and
 * leaves those alone that it should fill in. A size that no version has is
 * -EINVAL.
 */
#include "abi/abi.h"

/* A struct as a later version may have it. */
#define NEWER(type)                \
	struct {                   \
		type known;        \
		uint64_t added[4]; \
	}

/*
 * Options `*s`: their call is refused with a newer field, or with a size that
 * no version has, and then comes to this outcome.
 */
#define expect(outcome, s, call)                                          \
	do {                                                              \
		const size_t whole_ = sizeof(*(s));                       \
		const size_t known_ = sizeof((s)->known);                 \
		const size_t wrong_[] = {                                 \
			0, 8, 17, known_ + 4104, known_ + 8192, SIZE_MAX, \
		};                                                        \
		for (int i_ = 0; i_ < 4; i_++) {                          \
			(s)->added[i_] = 1;                               \
			assert_int_equal(call, -E2BIG);                   \
			(s)->added[i_] = 0;                               \
		}                                                         \
		for (int i_ = 0; i_ < 6; i_++) {                          \
			(s)->known.size = wrong_[i_];                     \
			assert_int_equal(call, -EINVAL);                  \
		}                                                         \
		(s)->known.size = whole_;                                 \
		assert_int_equal(call, outcome);                          \
	} while (0)

static int publish(struct sfshm_flight *f, void *arg)
{
	return sfshm_publish(f, arg, strlen(arg));
}

static void policies(void **state)
{
	struct sfshm_flight f = SFSHM_FLIGHT_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	NEWER(struct sfshm_policy) policy = { .known.size = sizeof(policy) };

	(void)state;
	policy.known.ttl_ms = SFSHM_FOREVER;
	expect(-ENODATA, &policy,
	       sfshm_wait(handle, "k", 1, &policy.known, &result));
	expect(SFSHM_LEADER, &policy,
	       sfshm_begin(handle, "k", 1, &policy.known, &f, &result));
	assert_int_equal(sfshm_publish(&f, "v", 1), 0);
	assert_int_equal(sfshm_get(handle, "k", 1, &result), SFSHM_CACHED);
	expect(SFSHM_COMPUTED, &policy,
	       sfshm_do(handle, "other", 5, &policy.known, publish, "v",
			&result));
	/* A refused begin leaves nothing to end. */
	memset(&f, 0xa5, sizeof(f));
	policy.added[0] = 1;
	assert_int_equal(sfshm_begin(handle, "k", 1, &policy.known, &f,
				     &result),
			 -E2BIG);
	assert_int_equal(sfshm_release(&f), -ESTALE);
	sfshm_result_clear(&result);
}

static void results(void **state)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	NEWER(struct sfshm_result) result = { .known.size = sizeof(result) };
	const size_t whole = result.known.size;
	const size_t wrong[] = { 0, 8, 312, sizeof(result.known) + 4104 };

	(void)state;
	policy.ttl_ms = SFSHM_FOREVER;
	result.added[0] = 17;
	assert_int_equal(sfshm_do(handle, "k", 1, &policy, publish, "value",
				  &result.known),
			 SFSHM_COMPUTED);
	assert_int_equal(sfshm_get(handle, "k", 1, &result.known),
			 SFSHM_CACHED);
	assert_memory_equal(result.known.value.data, "value", 5);
	sfshm_result_clear(&result.known);
	assert_int_equal(result.added[0], 17);
	assert_int_equal(result.known.size, whole);
	for (int i = 0; i < 4; i++) {
		result.known.size = wrong[i];
		assert_int_equal(sfshm_get(handle, "k", 1, &result.known),
				 -EINVAL);
	}
}

static void locks_and_permits(void **state)
{
	struct sfshm_permit permit = SFSHM_PERMIT_INIT;
	struct sfshm_lock lock = SFSHM_LOCK_INIT;
	NEWER(struct sfshm_lock_options) how = { .known.size = sizeof(how) };
	NEWER(struct sfshm_semaphore_options)
	many = { .known.size = sizeof(many) };
	NEWER(struct sfshm_semaphore_info)
	info = { .known.size = sizeof(info) };

	(void)state;
	expect(0, &how, sfshm_lock(handle, "a", 1, &how.known, &lock));
	assert_int_equal(sfshm_unlock(&lock), 0);
	expect(0, &many, sfshm_acquire(handle, "s", 1, &many.known, &permit));
	info.added[3] = 17;
	assert_int_equal(sfshm_semaphore_info(handle, "s", 1, &info.known), 0);
	assert_int_equal(info.known.in_use, 1);
	assert_int_equal(info.added[3], 17);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	/* A refused call leaves nothing held. */
	memset(&permit, 0xa5, sizeof(permit));
	many.added[0] = 1;
	assert_int_equal(sfshm_acquire(handle, "s", 1, &many.known, &permit),
			 -E2BIG);
	assert_int_equal(sfshm_permit_release(&permit), 0);
}

static void saves(void **state)
{
	struct sfshm_save save = SFSHM_SAVE_INIT;
	NEWER(struct sfshm_save_options) how = { .known.size = sizeof(how) };
	NEWER(struct sfshm_save_info) info = { .known.size = sizeof(info) };

	(void)state;
	info.added[0] = 17;
	expect(SFSHM_LEADER, &how,
	       sfshm_save_begin(handle, "k", 1, "/tmp/test-abi", &how.known,
				&save, &info.known));
	assert_int_equal(sfshm_save_abort(&save), 0);
	assert_int_equal(info.added[0], 17);
	info.known.size = 8;
	assert_int_equal(sfshm_save_get(handle, "k", 1, &info.known), -EINVAL);
}

static void views(void **state)
{
	NEWER(struct sfshm_segment_info)
	whole = { .known.size = sizeof(whole) };
	NEWER(struct sfshm_participant_info)
	who = { .known.size = sizeof(who) };
	NEWER(struct sfshm_slot_info) slot = { .known.size = sizeof(slot) };
	struct sfshm_view *view;
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_lock(handle, "a key", 5, NULL, &lock), 0);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	whole.added[0] = who.added[0] = slot.added[0] = 17;
	assert_int_equal(sfshm_view_segment(view, &whole.known), 0);
	assert_int_equal(whole.known.slots, 64);
	assert_int_equal(sfshm_view_participant(view, 0, &who.known), 0);
	assert_int_equal(who.known.alive, 1);
	assert_int_equal(sfshm_view_slot(view, 0, &slot.known), 0);
	assert_int_equal(slot.known.kind, SFSHM_KIND_LOCK);
	assert_int_equal(whole.added[0] + who.added[0] + slot.added[0], 51);
	whole.known.size = who.known.size = slot.known.size = SIZE_MAX;
	assert_int_equal(sfshm_view_segment(view, &whole.known), -EINVAL);
	assert_int_equal(sfshm_view_participant(view, 0, &who.known), -EINVAL);
	assert_int_equal(sfshm_view_slot(view, 0, &slot.known), -EINVAL);
	sfshm_view_close(view);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void segments(void **state)
{
	NEWER(struct sfshm_options) o = { .known.size = sizeof(o) };
	struct sfshm *again;
	char why[200] = "";

	(void)state;
	o.known.why = why;
	o.known.why_size = sizeof(why);
	expect(0, &o, sfshm_open(&again, segment, &o.known));
	assert_int_equal(sfshm_close(again), 0);
	expect(0, &o, sfshm_resize(segment, &o.known, 0, NULL, NULL));
	o.added[0] = 1;
	assert_int_equal(sfshm_open(&again, segment, &o.known), -E2BIG);
	assert_null(again);
	assert_non_null(strstr(why, "newer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		abi_test(policies),
		abi_test(results),
		abi_test(locks_and_permits),
		abi_test(saves),
		abi_test(views),
		abi_test(segments),
	};

	return abi_main(tests, sizeof(tests) / sizeof(tests[0]));
}
