/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-B1: the calls that take the place of macros and fields do the same.
 * An initialiser writes the caller's size of a struct and no more, whatever the
 * library's size is. sfshm_get_into() copies a whole value or nothing.
 */
#include "testing.h"

#include <sfshm/ffi.h>
#include <sfshm/put.h>

static struct sfshm *handle;
static struct sfshm_flight flight;
static struct sfshm_result *result;

static int ffi_setup(void **state)
{
	if (segment_setup(state))
		return -1;
	handle = segment_open(NULL);
	result = sfshm_result_new();
	return handle && result ? 0 : -1;
}

static int ffi_teardown(void **state)
{
	sfshm_result_free(result);
	return sfshm_close(handle) | segment_teardown(state);
}

#define in_ffi(f) cmocka_unit_test_setup_teardown(f, ffi_setup, ffi_teardown)

static int lead(const struct sfshm_policy *policy)
{
	return sfshm_begin(handle, "key", 3, policy, &flight, result);
}

/*
 * Is the struct of `size` bytes all zero but for its size, and the rest 0xa5?
 */
static bool only_size_is_set(const uint8_t *bytes, size_t size, size_t all)
{
	size_t got;

	memcpy(&got, bytes, sizeof(got));
	if (got != size)
		return false;
	for (size_t i = sizeof(got); i < all; i++)
		if (bytes[i] != (i < size ? 0 : 0xa5))
			return false;
	return true;
}

/* For the library's size, an older program's and a newer one's. */
#define assert_initialises(name)                                               \
	do {                                                                   \
		_Alignas(16) uint8_t b_[sizeof(struct sfshm_##name) + 64];     \
		for (int by_ = -8; by_ <= 8; by_ += 8) {                       \
			size_t n_ = sizeof(struct sfshm_##name) + (size_t)by_; \
			memset(b_, 0xa5, sizeof(b_));                          \
			sfshm_##name##_init((void *)b_, n_);                   \
			assert_true(only_size_is_set(b_, n_, sizeof(b_)));     \
		}                                                              \
	} while (0)

static void structs_with_a_size(void **state)
{
	(void)state;
	assert_initialises(options);
	assert_initialises(policy);
	assert_initialises(result);
	assert_initialises(walk);
	assert_initialises(lock_options);
	assert_initialises(semaphore_options);
	assert_initialises(semaphore_info);
	assert_initialises(save_options);
	assert_initialises(save_info);
	assert_initialises(segment_info);
	assert_initialises(participant_info);
	assert_initialises(slot_info);
	assert_initialises(fleet_options);
}

#define assert_zeroes(name)                                           \
	do {                                                          \
		struct sfshm_##name all_[2], zero_;                   \
		memset(all_, 0xa5, sizeof(all_));                     \
		memset(&zero_, 0, sizeof(zero_));                     \
		sfshm_##name##_init(&all_[0]);                        \
		assert_memory_equal(&all_[0], &zero_, sizeof(zero_)); \
		memset(&zero_, 0xa5, sizeof(zero_));                  \
		assert_memory_equal(&all_[1], &zero_, sizeof(zero_)); \
	} while (0)

static void opaque_structs(void **state)
{
	(void)state;
	assert_zeroes(flight);
	assert_zeroes(fleet_flight);
	assert_zeroes(heartbeat);
	assert_zeroes(lock);
	assert_zeroes(permit);
	assert_zeroes(pin);
	assert_zeroes(save);
	assert_zeroes(cancel);
}

static void fields_of_a_result(void **state)
{
	struct sfshm_result r = {
		.source = 11,
		.code = -12,
		.leader = 13,
		.shared = 14,
		.owner_died = 15,
		.uncached = 16,
		.stale = 17,
		.coordinated = 18,
		.fleet = 23,
		.generation = UINT64_MAX - 19,
		.age_ns = UINT64_MAX - 20,
		.value = { .data = &r, .len = 21 },
		.message = "twenty-two",
	};

	(void)state;
	assert_int_equal(sfshm_result_source(&r), 11);
	assert_int_equal(sfshm_result_code(&r), -12);
	assert_int_equal(sfshm_result_leader(&r), 13);
	assert_int_equal(sfshm_result_shared(&r), 14);
	assert_int_equal(sfshm_result_owner_died(&r), 15);
	assert_int_equal(sfshm_result_uncached(&r), 16);
	assert_int_equal(sfshm_result_stale(&r), 17);
	assert_int_equal(sfshm_result_coordinated(&r), 18);
	assert_int_equal(sfshm_result_fleet(&r), 23);
	assert_true(sfshm_result_generation(&r) == UINT64_MAX - 19);
	assert_true(sfshm_result_age_ns(&r) == UINT64_MAX - 20);
	assert_ptr_equal(sfshm_result_data(&r), &r);
	assert_int_equal(sfshm_result_len(&r), 21);
	assert_string_equal(sfshm_result_message(&r), "twenty-two");
}

static void new_results_are_ready(void **state)
{
	(void)state;
	assert_null(sfshm_result_data(result));
	assert_int_equal(lead(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_result_coordinated(result), 1);
	assert_int_equal(sfshm_release(&flight), 0);
	sfshm_result_free(NULL);
}

static void values_come_whole_or_not_at_all(void **state)
{
	struct sfshm_policy policy;
	char buf[8] = "........";
	size_t len = 99;

	(void)state;
	sfshm_policy_init(&policy, sizeof(policy));
	policy.ttl_ms = policy.neg_ttl_ms = SFSHM_FOREVER;
	assert_int_equal(sfshm_get_into(handle, "key", 3, buf, 8, &len),
			 -ENODATA);
	assert_int_equal(len, 0);
	assert_int_equal(lead(&policy), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "seven by", 7), 0);
	assert_int_equal(sfshm_get_into(handle, "key", 3, buf, 6, &len),
			 -ERANGE);
	assert_int_equal(len, 7);
	assert_int_equal(sfshm_get_into(handle, "key", 3, NULL, 0, &len),
			 -ERANGE);
	assert_int_equal(len, 7);
	assert_memory_equal(buf, "........", 8);
	assert_int_equal(sfshm_get_into(handle, "key", 3, buf, 7, &len),
			 SFSHM_CACHED);
	assert_int_equal(len, 7);
	assert_memory_equal(buf, "seven b.", 8);

	assert_int_equal(sfshm_put(handle, "key", 3, &policy, NULL, 0), 0);
	assert_int_equal(sfshm_get_into(handle, "key", 3, NULL, 0, &len),
			 SFSHM_CACHED);
	assert_int_equal(len, 0);
}

static void failures_and_wrong_arguments(void **state)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	size_t len = 99;
	char buf[8];

	(void)state;
	policy.neg_ttl_ms = SFSHM_FOREVER;
	assert_int_equal(lead(&policy), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -EIO, NULL), 0);
	assert_int_equal(sfshm_get_into(handle, "key", 3, buf, 8, &len),
			 -EREMOTEIO);
	assert_int_equal(len, 0);
	assert_int_equal(sfshm_get_into(handle, "key", 3, NULL, 8, &len),
			 -EINVAL);
	assert_int_equal(sfshm_get_into(handle, "key", 3, buf, 8, NULL),
			 -EINVAL);
	assert_int_equal(sfshm_get_into(handle, "", 0, buf, 8, &len), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_ffi(structs_with_a_size),
		in_ffi(opaque_structs),
		in_ffi(fields_of_a_result),
		in_ffi(new_results_are_ready),
		in_ffi(values_come_whole_or_not_at_all),
		in_ffi(failures_and_wrong_arguments),
	};

	return test_main(tests);
}
