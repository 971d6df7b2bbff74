/* SPDX-License-Identifier: MIT */
/*
 * Many processes add, find and remove keys at once, in far fewer slots than
 * keys. A look-up finds the right key's slot, and no key is in the table
 * twice.
 */
#include "crowd.h"
#include "testing.h"
#include "watch.h"

#define MEMBERS 8
#define KEYS 300
#define STEPS (100000 / (SLOWNESS * SLOWNESS))

/* 64 buckets, the fewest, and keys that keep coming: neighbours meet. */
static const struct sfshm_options crowded = { .slots = 36 };
static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
	.flags = SFSHM_TRY,
};

/* Short and long ones, that differ only at their end. */
static size_t name_key(unsigned int i, char key[80])
{
	return (size_t)snprintf(key, 80, "%s%u",
				i % 3 ? "" : "a prefix that is rather long, ",
				i);
}

static void use_key(struct sfshm *h, unsigned int i, unsigned int what,
		    struct sfshm_result *result)
{
	struct sfshm_flight flight;
	char key[80];
	size_t len = name_key(i, key);
	int r;

	if (what < 2) {
		r = sfshm_forget(h, key, len);
		demand(r == 0 || r == -ENODATA || r == -EBUSY);
		return;
	}
	r = what < 5 ? sfshm_get(h, key, len, result) :
		       sfshm_begin(h, key, len, &keep, &flight, result);
	if (r == SFSHM_LEADER) {
		demand(sfshm_publish(&flight, key, len) == 0);
	} else if (r == SFSHM_CACHED) {
		demand(result->value.len == len);
		demand(!memcmp(result->value.data, key, len));
	} else {
		demand(r == -ENODATA || r == -EBUSY);
	}
}

static void come_and_go(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t random = (uint64_t)member + 1;
	struct sfshm *h = segment_open(&crowded);

	(void)arg;
	for (int i = 0; i < STEPS; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		use_key(h, (unsigned int)(random >> 40) % KEYS,
			(unsigned int)(random >> 33) % 10, &result);
	}
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void come_and_go_in_a_crowd(enum crowd kind)
{
	struct sfshm *h;

	crowd_run(kind, MEMBERS, come_and_go, NULL);
	assert_true(watch_counter("evictions") > 0);
	assert_true(watch_counter("forgets") > 0);
	assert_int_equal(watch_counter("corrupt"), 0);
	h = segment_open(NULL);
	assert_sound(h);
	assert_true(sfshm_purge(h) > 0);
	assert_sound(h);
	assert_int_equal(sfshm_purge(h), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_processes(void **state)
{
	(void)state;
	come_and_go_in_a_crowd(PROCESSES);
}

static void of_threads(void **state)
{
	(void)state;
	come_and_go_in_a_crowd(THREADS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes),
		in_segment(of_threads),
	};

	return test_main(tests);
}
