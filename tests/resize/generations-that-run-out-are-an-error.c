/* SPDX-License-Identifier: MIT */
/*
 * Each resize leaps over generations, up to their end. A resize beyond the end
 * is refused with a message, and the segment goes on as it was.
 */
#include <sfshm/resize.h>

#include "forge.h"
#include "store/ctl.h"

static void at_their_end(void **state)
{
	const uint64_t last = (UINT64_C(1) << (64 - CTL_GEN_SHIFT)) - 1000;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char why[128] = "";
	struct sfshm_options o = {
		.size = sizeof(o),
		.slots = 64,
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *h;

	(void)state;
	forge_make(NULL);
	assert_int_equal(sfshm_resize(segment, &o, 0, NULL, NULL), 0);
	forge_write(offsetof(struct shm_header, generation_floor), &last,
		    sizeof(last));
	assert_int_equal(sfshm_resize(segment, &o, 0, NULL, NULL), -EOVERFLOW);
	assert_non_null(strstr(why, "generations have run out"));
	h = segment_open(NULL);
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_memory_equal(result.value.data, "value", 5);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { in_segment(at_their_end) };

	return test_main(tests);
}
