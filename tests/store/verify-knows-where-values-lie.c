/* SPDX-License-Identifier: MIT */
/*
 * What a slot's first line tells of a small value is what a hit goes by. It is
 * told of values that lie there and of no others, verify finds it where the
 * rest says otherwise, and a hit that meets nonsense looks further.
 */
#include "store/slot.h"
#include "testing.h"
#include "top/handle.h"

static struct sfshm *h;
static struct sfshm_result result = SFSHM_RESULT_INIT;

static void put(const char *text)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_REFRESH;
	assert_int_equal(sfshm_begin(h, "key", 3, &policy, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, text, strlen(text)), 0);
}

static void get(const char *text)
{
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_int_equal(result.value.len, strlen(text));
	assert_memory_equal(result.value.data, text, strlen(text));
}

static void values_of_all_sizes_are_found(void **state)
{
	char text[200];

	(void)state;
	h = segment_open(NULL);
	for (size_t len = 1; len < sizeof(text); len++) {
		memset(text, 'a' + (int)(len % 26), len);
		text[len] = '\0';
		put(text);
		get(text);
		assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* Of the only key there is. */
static uint64_t *first_when(void)
{
	struct shm_slot *s = h->map->slots;

	while (slot_key_len(s) != 3)
		s++;
	return &s->front.when;
}

static void what_does_not_fit_is_found(void **state)
{
	uint64_t *when, right;

	(void)state;
	h = segment_open(NULL);
	put("value");
	get("value");
	when = first_when();
	right = *when;
	assert_int_equal(right & WHEN_SMALL, 6);
	*when = right + 1;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 1);
	*when = right | WHEN_SMALL;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 1);
	get("value");
	*when = right;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(values_of_all_sizes_are_found),
		in_segment(what_does_not_fit_is_found),
	};

	return test_main(tests);
}
