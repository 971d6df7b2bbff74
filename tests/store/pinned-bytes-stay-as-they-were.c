/* SPDX-License-Identifier: MIT */
/*
 * Pinned bytes stay as they were, whatever happens to their key: a new
 * publish, a forget, an eviction, a resize. The pin holds nothing else, and
 * when it is given back the memory is free again.
 */
#include <sched.h>

#include <sfshm/pin.h>
#include <sfshm/resize.h>

#include "crowd.h"
#include "watch.h"

#define VALUE 1000
#define ALL (64 << 10)

static const struct sfshm_options small = {
	.size = sizeof(small),
	.slots = 16,
	.bytes = ALL,
	.max_value = ALL,
};

static void put(struct sfshm *h, const char *key, size_t len, unsigned int seed)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint8_t data[ALL];

	value_fill(data, len, seed);
	demand(sfshm_begin(h, key, strlen(key), &policy, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, data, len) == 0);
	sfshm_result_clear(&result);
}

static int pin(struct sfshm *h, const char *key, struct sfshm_pin *p)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = sfshm_pin(h, key, strlen(key), p, &result);

	sfshm_result_clear(&result);
	return r;
}

/* The pinned bytes gathered, `max` pieces at a time; how many there are. */
static size_t gather(const struct sfshm_pin *p, uint8_t *to, int max)
{
	struct iovec iov[64];
	size_t at = 0;
	int n;

	while ((n = sfshm_pin_iov(p, at, iov, max)) > 0)
		for (int i = 0; i < n; i++) {
			memcpy(to + at, iov[i].iov_base, iov[i].iov_len);
			at += iov[i].iov_len;
		}
	demand(n == 0);
	return at;
}

static void holds(const struct sfshm_pin *p, size_t len, int seed)
{
	uint8_t data[ALL];

	demand(gather(p, data, 64) == len);
	demand(value_seed(data, len) == seed);
}

static uint64_t bytes_used(void)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view;

	demand(sfshm_view_open(&view, segment, NULL, 0) == 0);
	demand(sfshm_view_segment(view, &info) == 0);
	sfshm_view_close(view);
	return info.bytes_used;
}

/* Enough keys and bytes for all that can go to go. */
static void crowd_out(struct sfshm *h)
{
	for (int i = 0; i < 200; i++) {
		char key[16];

		snprintf(key, sizeof(key), "other-%d", i);
		put(h, key, 2000, (unsigned int)i % 100);
	}
}

static void published_anew(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin p;

	(void)state;
	put(h, "key", VALUE, 1);
	assert_int_equal(pin(h, "key", &p), SFSHM_CACHED);
	for (unsigned int i = 2; i < 100; i++) {
		put(h, "key", VALUE, i);
		holds(&p, VALUE, 1);
	}
	assert_sound(h);
	assert_int_equal(sfshm_unpin(&p), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void forgotten_and_evicted(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin forgotten, evicted;

	(void)state;
	put(h, "forgotten", VALUE, 1);
	put(h, "evicted", VALUE, 2);
	assert_int_equal(pin(h, "forgotten", &forgotten), SFSHM_CACHED);
	assert_int_equal(pin(h, "evicted", &evicted), SFSHM_CACHED);
	assert_int_equal(sfshm_forget(h, "forgotten", 9), 0);
	crowd_out(h);
	assert_int_equal(watch_phase("evicted"), SFSHM_PHASE_FREE);
	holds(&forgotten, VALUE, 1);
	holds(&evicted, VALUE, 2);
	assert_int_equal(sfshm_purge(h) > 0, true);
	crowd_out(h);
	holds(&forgotten, VALUE, 1);
	holds(&evicted, VALUE, 2);
	assert_sound(h);
	assert_int_equal(sfshm_unpin(&forgotten), 0);
	assert_int_equal(sfshm_unpin(&evicted), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* The old segment stays mapped for as long as it is needed, and no longer. */
static void moved_by_a_resize(void **state)
{
	struct sfshm_options larger = { .size = sizeof(larger), .slots = 64 };
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin before, after;

	(void)state;
	put(h, "key", VALUE, 1);
	assert_int_equal(pin(h, "key", &before), SFSHM_CACHED);
	assert_int_equal(sfshm_resize(segment, &larger, 0, NULL, NULL), 0);
	assert_int_equal(pin(h, "key", &after), SFSHM_CACHED);
	put(h, "key", VALUE, 2);
	put(h, "key", VALUE, 3);
	crowd_out(h);
	holds(&before, VALUE, 1);
	holds(&after, VALUE, 1);
	assert_int_equal(sfshm_unpin(&after), 0);
	holds(&before, VALUE, 1);
	assert_int_equal(sfshm_unpin(&before), 0);
	assert_int_equal(sfshm_unpin(&before), -EINVAL);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void only_their_block(void **state)
{
	const size_t pinned = 10 << 10;
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin p;

	(void)state;
	put(h, "key", pinned, 1);
	assert_int_equal(pin(h, "key", &p), SFSHM_CACHED);
	for (unsigned int i = 0; i < 20; i++) {
		char key[16];

		/* All but the pinned bytes can be had for one value. */
		snprintf(key, sizeof(key), "large-%u", i);
		put(h, key, ALL - pinned, i);
		holds(&p, pinned, 1);
	}
	assert_int_equal(sfshm_unpin(&p), 0);
	/* ... and now those as well. */
	put(h, "large", ALL, 3);
	assert_int_equal(watch_phase("large"), SFSHM_PHASE_DONE);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void as_many_as_allowed(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin p[SFSHM_PINS_MAX], one_more;
	uint64_t before;

	(void)state;
	put(h, "key", VALUE, 1);
	before = bytes_used();
	for (unsigned int i = 0; i < SFSHM_PINS_MAX; i++) {
		put(h, "key", VALUE, i);
		assert_int_equal(pin(h, "key", &p[i]), SFSHM_CACHED);
	}
	assert_int_equal(pin(h, "key", &one_more), -EMFILE);
	assert_int_equal(sfshm_unpin(&one_more), -EINVAL);
	for (int i = 0; i < SFSHM_PINS_MAX; i++)
		holds(&p[i], VALUE, i);
	assert_true(bytes_used() >= (SFSHM_PINS_MAX - 1) * before);
	for (int i = 0; i < SFSHM_PINS_MAX; i += 2)
		assert_int_equal(sfshm_unpin(&p[i]), 0);
	crowd_out(h);
	for (int i = 1; i < SFSHM_PINS_MAX; i += 2) {
		holds(&p[i], VALUE, i);
		assert_int_equal(sfshm_unpin(&p[i]), 0);
		assert_int_equal(sfshm_unpin(&p[i]), -EINVAL);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Two pins of one value: the bytes go with the last. */
static void several_pins_of_one(void **state)
{
	struct sfshm *h = segment_open(&small);
	struct sfshm_pin a, b;

	(void)state;
	put(h, "key", VALUE, 1);
	assert_int_equal(pin(h, "key", &a), SFSHM_CACHED);
	assert_int_equal(pin(h, "key", &b), SFSHM_CACHED);
	put(h, "key", VALUE, 2);
	put(h, "key", VALUE, 3);
	assert_int_equal(sfshm_unpin(&a), 0);
	crowd_out(h);
	holds(&b, VALUE, 1);
	assert_int_equal(sfshm_unpin(&b), 0);
	assert_sound(h);
	assert_int_equal(sfshm_purge(h) > 0, true);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_any_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 127, 4096, 30000 };
	struct sfshm *h = segment_open(&small);
	uint8_t data[ALL];
	struct sfshm_pin p;
	struct iovec iov;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put(h, "key", sizes[i], 9);
		assert_int_equal(pin(h, "key", &p), SFSHM_CACHED);
		assert_int_equal(gather(&p, data, 1), sizes[i]);
		assert_int_equal(value_seed(data, sizes[i]), sizes[i] ? 9 : 0);
		assert_int_equal(sfshm_pin_iov(&p, sizes[i], &iov, 1), 0);
		assert_int_equal(sfshm_pin_iov(&p, 0, &iov, 0), -EINVAL);
		assert_int_equal(sfshm_unpin(&p), 0);
		assert_int_equal(sfshm_pin_iov(&p, 0, &iov, 1), -EINVAL);
	}
	assert_int_equal(pin(h, "no such key", &p), -ENODATA);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

#define WRITERS 3
#define PINNERS 5
#define PINS (500 / SLOWNESS)

static void publish_anew(struct sfshm *h, const char *key, unsigned int i)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint8_t data[3000];
	size_t len = i * (size_t)37 % sizeof(data);

	policy.flags = SFSHM_REFRESH | SFSHM_TRY;
	policy.ttl_ms = SFSHM_FOREVER;
	value_fill(data, len, i & 0x7f);
	if (sfshm_begin(h, key, strlen(key), &policy, &flight, &result) ==
		    SFSHM_LEADER &&
	    sfshm_publish(&flight, data, len))
		demand(sfshm_release(&flight) == 0);
	sfshm_result_clear(&result);
}

/* Pins a value and looks at it again and again; whether there was one. */
static bool pin_and_look(struct sfshm *h, const char *key)
{
	uint8_t first[3000], again[3000];
	struct sfshm_pin p;
	size_t len;

	if (pin(h, key, &p) != SFSHM_CACHED)
		return false;
	len = gather(&p, first, 3);
	demand(value_seed(first, len) >= 0);
	for (int n = 0; n < 5; n++) {
		sched_yield();
		demand(gather(&p, again, 64) == len);
		demand(!memcmp(first, again, len));
	}
	demand(sfshm_unpin(&p) == 0);
	return true;
}

/* Some publish until the others have pinned enough. */
static void pin_or_publish(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	uint32_t *done = arg, pins = 0;
	uint64_t end = now_ms() + UINT64_C(4) * PATIENCE_MS;
	char key[16];

	for (unsigned int i = 0; load_acquire(done) < PINNERS; i++) {
		demand(now_ms() < end);
		snprintf(key, sizeof(key), "key-%u",
			 (i * 7 + (unsigned int)member) % 30);
		if (member < WRITERS)
			publish_anew(h, key, i + (unsigned int)member);
		else if (pin_and_look(h, key) && ++pins == PINS)
			fetch_add_acq_rel(done, 1);
	}
	demand(sfshm_close(h) == 0);
}

static void in_a_crowd(enum crowd kind)
{
	const struct sfshm_options tight = { .slots = 20,
					     .bytes = 32 << 10,
					     .max_value = 8 << 10 };
	struct sfshm *h = segment_open(&tight);

	assert_int_equal(sfshm_close(h), 0);
	crowd_run(kind, WRITERS + PINNERS, pin_or_publish,
		  shared_memory(sizeof(uint32_t)));
	h = segment_open(NULL);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void among_processes(void **state)
{
	(void)state;
	in_a_crowd(PROCESSES);
}

static void among_threads(void **state)
{
	(void)state;
	in_a_crowd(THREADS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(published_anew),
		in_segment(forgotten_and_evicted),
		in_segment(moved_by_a_resize),
		in_segment(only_their_block),
		in_segment(as_many_as_allowed),
		in_segment(several_pins_of_one),
		in_segment(of_any_size),
		in_segment(among_processes),
		in_segment(among_threads),
	};

	return test_main(tests);
}
