/* SPDX-License-Identifier: MIT */
/*
 * sfshm-run --tag names tags for its result, as sfshm_flight_tag() does.
 */
#include <limits.h>
#include <sfshm/tag.h>

#include "testing.h"

/* Runs sfshm-run. */
static void run(const char *arguments)
{
	char exe[PATH_MAX - 64] = "", line[PATH_MAX + 512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	assert_true(n > 0);
	for (int i = 0; i < 2; i++)
		*strrchr(exe, '/') = '\0';
	snprintf(line, sizeof(line),
		 "%s/tools/sfshm-run -s %s --ttl 1h %s -- echo text >/dev/null",
		 exe, segment, arguments);
	assert_int_equal(system(line), 0);
}

static int get(struct sfshm *h, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = sfshm_get(h, key, strlen(key), &result);

	sfshm_result_clear(&result);
	return r;
}

static void tagged_results(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	run("-k one --tag shop --tag 'day 1'");
	run("-k two --tag shop");
	run("-k three");
	assert_int_equal(sfshm_invalidate_tag(h, "day 1", 5), 0);
	assert_int_equal(get(h, "one"), -ENODATA);
	assert_int_equal(get(h, "two"), SFSHM_CACHED);
	assert_int_equal(sfshm_invalidate_tag(h, "shop", 4), 0);
	assert_int_equal(get(h, "two"), -ENODATA);
	assert_int_equal(get(h, "three"), SFSHM_CACHED);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(tagged_results),
	};

	return test_main(tests);
}
