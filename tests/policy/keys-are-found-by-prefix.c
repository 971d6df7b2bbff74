/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: a walk finds each key that begins with a prefix, and that of
 * long keys too; also if the segment is replaced under the walk. One call gets
 * many keys, and each key's own outcome. Counters need no view.
 */
#include <sfshm/lock.h>
#include <sfshm/resize.h>
#include <sfshm/semaphore.h>

#include "policy.h"
#include "watch.h"

static const struct sfshm_policy kept = {
	.size = sizeof(kept),
	.ttl_ms = SFSHM_FOREVER,
};

static void put_at(const char *key, const char *text)
{
	assert_int_equal(sfshm_begin(h, key, strlen(key), &kept, &flight,
				     &result),
			 SFSHM_LEADER);
	assert_int_equal(publish(text), 0);
}

static void put_numbered(const char *format, int count)
{
	char key[500];

	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), format, i);
		put_at(key, "value");
	}
}

static uint32_t rest_of(struct sfshm_walk *walk, const char *prefix)
{
	uint32_t n = 0;
	int r;

	while ((r = sfshm_next_key(h, prefix, strlen(prefix), walk)) == 1) {
		assert_true(walk->key_len >= strlen(prefix));
		assert_memory_equal(walk->key, prefix, strlen(prefix));
		n++;
	}
	assert_int_equal(r, 0);
	return n;
}

static uint32_t found(const char *prefix)
{
	struct sfshm_walk walk = SFSHM_WALK_INIT;

	return rest_of(&walk, prefix);
}

static void by_prefix(void **state)
{
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	struct sfshm_lock lock;
	int r;

	(void)state;
	/* A walk finds the keys of values only. */
	assert_int_equal(sfshm_lock(h, "a/lock", 6, NULL, &lock), 0);
	assert_int_equal(sfshm_semaphore_set_max(h, "a/permits", 9, 1), 0);
	assert_int_equal(found(""), 0);
	put_numbered("a/%d", 30);
	put_numbered("a%0300d", 3);
	put_numbered("b/%d", 7);
	assert_int_equal(found(""), 40);
	assert_int_equal(found("a"), 33);
	assert_int_equal(found("a/"), 30);
	assert_int_equal(found("b/6"), 1);
	assert_int_equal(found("b/66"), 0);
	while ((r = sfshm_next_key(h, "a/", 2, &walk)) == 1)
		assert_int_equal(sfshm_forget(h, walk.key, walk.key_len), 0);
	assert_int_equal(r, 0);
	assert_int_equal(found(""), 10);
	walk.size--;
	assert_int_equal(sfshm_next_key(h, "a", 1, &walk), -EINVAL);
	assert_int_equal(sfshm_unlock(&lock), 0);
}

static void across_a_resize(void **state)
{
	const struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 1 << 15,
	};
	struct sfshm_walk walk = SFSHM_WALK_INIT;

	(void)state;
	put_numbered("k%d", 50);
	for (int i = 0; i < 20; i++)
		assert_int_equal(sfshm_next_key(h, "k", 1, &walk), 1);
	assert_int_equal(sfshm_resize(segment, &larger, 0, NULL, NULL), 0);
	/* All of the successor's keys, for any of them may have moved. */
	assert_true(rest_of(&walk, "k") >= 50);
	assert_int_equal(found("k"), 50);
}

static void many_at_once(void **state)
{
	struct sfshm_result results[3] = {
		SFSHM_RESULT_INIT,
		SFSHM_RESULT_INIT,
		SFSHM_RESULT_INIT,
	};
	const struct iovec keys[3] = {
		{ (void *)(uintptr_t) "one", 3 },
		{ (void *)(uintptr_t) "", 0 },
		{ (void *)(uintptr_t) "three", 5 },
	};
	int outcomes[3];

	(void)state;
	put_at("three", "value");
	assert_int_equal(sfshm_get_many(h, keys, 3, results, outcomes), 1);
	assert_int_equal(outcomes[0], -ENODATA);
	assert_int_equal(outcomes[1], -EINVAL);
	assert_int_equal(outcomes[2], SFSHM_CACHED);
	assert_int_equal(results[2].value.len, 5);
	assert_memory_equal(results[2].value.data, "value", 5);
	assert_int_equal(sfshm_get_many(h, keys, 3, results, NULL), -EINVAL);
	assert_int_equal(sfshm_get_many(h, NULL, 0, NULL, NULL), 0);
	sfshm_result_clear(&results[2]);
}

static void counters(void **state)
{
	const char *name, *help;
	uint64_t value, inserts = 0;
	uint32_t i = 0;

	(void)state;
	put_numbered("k%d", 5);
	while (!sfshm_counter(h, i++, &name, &help, &value))
		if (!strcmp(name, "inserts"))
			inserts = value;
	assert_int_equal(inserts, 5);
	assert_int_equal(sfshm_counter(h, i, &name, &help, &value), -ERANGE);
	assert_int_equal(sfshm_counter(NULL, 0, &name, &help, &value), -EBADF);
	assert_int_equal(sfshm_counter(h, 0, NULL, &help, &value), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(by_prefix),
		in_policy(across_a_resize),
		in_policy(many_at_once),
		in_policy(counters),
	};

	return test_main(tests);
}
