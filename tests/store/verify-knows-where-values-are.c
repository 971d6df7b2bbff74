/* SPDX-License-Identifier: MIT */
/*
 * A hit reads in a slot's first line that its small value is in the slot. Only
 * slots with such a value say so; verify finds a slot whose other parts
 * disagree, and a hit that meets nonsense looks further.
 */
#include <pthread.h>
#include <sfshm/lock.h>
#include <sfshm/put.h>

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
	*when = (right & ~WHEN_SMALL) | 200;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 1);
	get("value");
	*when = right | WHEN_TAGGED;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 1);
	assert_int_equal(sfshm_get(h, "key", 3, &result), -EBADMSG);
	*when = right;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* The slot still has the lengths of the values that it held. */
static void slots_of_values_become_shared_locks(void **state)
{
	const struct sfshm_options few = { .slots = 64 };
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock locks[SFSHM_LOCK_SHARED_MAX];
	char text[100] = "all slots have held a value of this length";

	(void)state;
	h = segment_open(&few);
	/* A second value goes to the other field. */
	for (uint32_t i = 0; i < 2 * 64; i++)
		assert_int_equal(sfshm_put(h, &(uint32_t){ i / 2 }, 4, NULL,
					   text, sizeof(text)),
				 0);
	assert_int_equal(sfshm_purge(h), 64);
	o.flags = SFSHM_LOCK_SHARED;
	for (uint32_t i = 0; i < SFSHM_LOCK_SHARED_MAX; i++)
		assert_int_equal(sfshm_lock(h, &i, sizeof(i), &o, &locks[i]),
				 0);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	for (uint32_t i = 0; i < SFSHM_LOCK_SHARED_MAX; i++)
		assert_int_equal(sfshm_unlock(&locks[i]), 0);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

#define KEYS 64
#define SPARE (KEYS + 1) /* granules: of a largest value with tags */

static struct sfshm_flight held[KEYS], led[SPARE];

static int lead(const char *letter, int i, uint32_t flags, uint32_t wait_ms,
		struct sfshm_flight *f)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	char key[16];
	int len = snprintf(key, sizeof(key), "%s%d", letter, i);

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = flags;
	policy.wait_timeout_ms = wait_ms;
	return sfshm_begin(h, key, (size_t)len, &policy, f, &result);
}

static void *wait_in_vain(void *key)
{
	struct sfshm_result mine = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;

	policy.wait_timeout_ms = 2;
	demand(sfshm_begin(h, key, strlen(key), &policy, &flight, &mine) ==
	       -ETIMEDOUT);
	return NULL;
}

/*
 * Gives key x`i` a spare granule, and then values that last. Was that granule's
 * number its slot's?
 */
static bool beyond_the_granules(int i)
{
	const struct sfshm_options o = { .slots = 200, .bytes = KEYS * 64 };
	const char full[64] = "all that there is";
	pthread_t waiter;
	char key[16];
	int len = snprintf(key, sizeof(key), "x%d", i);
	bool same = false;

	h = segment_open(&o);
	/* All memory is in use, and stays. */
	for (int n = 0; n < KEYS; n++) {
		assert_int_equal(lead("a", n, 0, 0, &held[n]), SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&held[n], full, sizeof(full)),
				 0);
	}
	for (int n = 0; n < KEYS; n++)
		assert_int_equal(lead("a", n, SFSHM_REFRESH, 0, &held[n]),
				 SFSHM_LEADER);
	for (int n = 0; n < SPARE; n++)
		assert_int_equal(lead("x", n, 0, 0, &led[n]), SFSHM_LEADER);
	pthread_create(&waiter, NULL, wait_in_vain, key);
	pthread_join(waiter, NULL);
	assert_int_equal(sfshm_publish(&led[i], "spare", 5), SFSHM_UNCACHED);
	for (uint32_t n = KEYS; n < 200; n++)
		same |= load_relaxed(&h->map->cold[n].back[0].ref) == n + 1;
	for (int n = 0; n < KEYS; n++)
		assert_int_equal(sfshm_release(&held[n]), 0);
	for (int n = 0; n < 3; n++) {
		char text[32];
		int size = snprintf(text, sizeof(text), "%d of %d", n, i);

		assert_int_equal(lead("x", i, SFSHM_REFRESH, 0, &led[i]),
				 SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&led[i], text, (size_t)size), 0);
		assert_int_equal(sfshm_get(h, key, (size_t)len, &result),
				 SFSHM_CACHED);
		assert_int_equal(result.value.len, size);
		assert_memory_equal(result.value.data, text, size);
	}
	for (int n = 0; n < SPARE; n++)
		if (n != i)
			assert_int_equal(sfshm_release(&led[n]), 0);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	return same;
}

/*
 * More slots than granules: slots beyond have no granule in them, though there
 * is one of their number among the spare ones, which they may get for a while.
 */
static void slots_without_a_granule_have_none(void **state)
{
	int same = 0;

	(void)state;
	for (int i = 0; i < SPARE; i++)
		same += beyond_the_granules(i);
	assert_in_range(same, 1, SPARE);
	sfshm_result_clear(&result);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(values_of_all_sizes_are_found),
		in_segment(what_does_not_fit_is_found),
		in_segment(slots_of_values_become_shared_locks),
		in_segment(slots_without_a_granule_have_none),
	};

	return test_main(tests);
}
