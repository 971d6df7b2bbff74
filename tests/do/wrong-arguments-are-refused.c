/* SPDX-License-Identifier: MIT */
/* A call with wrong arguments answers an error and changes nothing. */
#include <limits.h>

#include <sfshm/pin.h>
#include <sfshm/resize.h>

#include "testing.h"
#include "watch.h"

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static void nothing_where_something_is_needed(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_publish(NULL, "x", 1), -EINVAL);
	assert_int_equal(sfshm_fail(NULL, 1, NULL), -EINVAL);
	assert_int_equal(sfshm_release(NULL), -EINVAL);
	assert_int_equal(sfshm_pin(h, "key", 3, NULL, &result), -EINVAL);
	assert_int_equal(sfshm_get(NULL, "key", 3, &result), -EBADF);
	assert_int_equal(sfshm_view_open(NULL, segment, NULL, 0), -EINVAL);
	assert_int_equal(sfshm_open(NULL, segment, NULL), -EINVAL);
	assert_int_equal(sfshm_close(h), 0);
}

static void a_struct_of_another_size(void **state)
{
	struct sfshm_participant_info participant = { 0 };
	struct sfshm_segment_info about = { 0 };
	struct sfshm_slot_info slot = { 0 };
	struct sfshm_options o = { .size = 1, .flags = SFSHM_CREATE };
	struct sfshm_view *view;
	struct sfshm *h;

	(void)state;
	assert_int_equal(sfshm_open(&h, segment, &o), -EINVAL);
	assert_int_equal(sfshm_memfd("label", &o), -EINVAL);
	assert_int_equal(sfshm_open_fd(&h, 0, &o), -EINVAL);
	h = segment_open(NULL);
	assert_int_equal(sfshm_resize(segment, &o, 0, NULL, NULL), -EINVAL);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &about), -EINVAL);
	assert_int_equal(sfshm_view_slot(view, 0, &slot), -EINVAL);
	assert_int_equal(sfshm_view_participant(view, 0, &participant),
			 -EINVAL);
	assert_int_equal(sfshm_view_counter(view, 0, NULL, NULL, NULL),
			 -EINVAL);
	sfshm_view_close(view);
	assert_int_equal(sfshm_close(h), 0);
}

/* More bytes than there are addresses: their sum would be small. */
static void pieces_without_end(void **state)
{
	struct iovec iov[] = {
		{ .iov_base = "x", .iov_len = SIZE_MAX },
		{ .iov_base = "yz", .iov_len = 2 },
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publishv(&flight, iov, 2), -EMSGSIZE);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_BUSY);
	assert_int_equal(sfshm_publishv(&flight, &iov[1], 1), 0);
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_memory_equal(result.value.data, "yz", 2);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static void a_flight_that_has_ended(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_publish(&flight, "x", 1), -ESTALE);
	assert_int_equal(sfshm_fail(&flight, 1, NULL), -ESTALE);
	assert_int_equal(sfshm_release(&flight), -ESTALE);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	assert_int_equal(sfshm_close(h), 0);
}

static void numbers_that_are_no_errors(void **state)
{
	(void)state;
	assert_string_equal(sfshm_strerror(INT_MIN), "unknown error");
	assert_string_equal(sfshm_strerror(INT_MAX), "unknown error");
	assert_string_equal(sfshm_strerror(-EBUSY), sfshm_strerror(EBUSY));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(nothing_where_something_is_needed),
		in_segment(a_struct_of_another_size),
		in_segment(pieces_without_end),
		in_segment(a_flight_that_has_ended),
		in_segment(numbers_that_are_no_errors),
	};

	return test_main(tests);
}
