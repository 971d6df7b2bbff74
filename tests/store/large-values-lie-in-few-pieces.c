/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C21: a large value lies in one piece of memory if there is one that
 * is free or was never in use, and else in few. Forgotten memory is used
 * again before the segment takes more memory. A damaged length, or a damaged
 * reference that leads to no beginning of a value, shows no other key's bytes.
 *
 * A pinned value shows how many pieces it lies in.
 */
#include <inttypes.h>
#include <time.h>

#include <sfshm/pin.h>
#include <sfshm/put.h>

#include "segment/mapping.h"
#include "store/slot.h"
#include "testing.h"
#include "top/handle.h"

#define MEMORY (8u << 20)
#define LARGE (1u << 20)
#define MOST 4096

static const struct sfshm_options shape = { .slots = 4096, .bytes = MEMORY };
static struct sfshm *h;
static struct sfshm_result result = SFSHM_RESULT_INIT;
static uint8_t data[LARGE];
static uint64_t random_state = 88172645463325252;

static uint64_t draw(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void put(uint32_t key, size_t len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	memset(data, (int)(key + 1), len);
	assert_int_equal(sfshm_put(h, &key, sizeof(key), &policy, data, len),
			 0);
}

/* In how many pieces the key's value lies. */
static int pieces(uint32_t key)
{
	static struct iovec iov[MOST];
	struct sfshm_pin pin;
	size_t sum = 0;
	int n;

	assert_int_equal(sfshm_pin(h, &key, sizeof(key), &pin, &result),
			 SFSHM_CACHED);
	n = sfshm_pin_iov(&pin, 0, iov, MOST);
	for (int i = 0; i < n; i++) {
		sum += iov[i].iov_len;
		for (size_t at = 0; at < iov[i].iov_len; at++)
			assert_int_equal(((uint8_t *)iov[i].iov_base)[at],
					 (uint8_t)(key + 1));
	}
	assert_int_equal(sum, result.value.len);
	assert_int_equal(sfshm_unpin(&pin), 0);
	return n;
}

static void unused_memory_is_one_piece(void **state)
{
	static const size_t lens[] = { 4096, 65536, LARGE, 128, 5000 };

	(void)state;
	h = segment_open(&shape);
	for (uint32_t i = 0; i < 5; i++) {
		put(i, lens[i]);
		assert_int_equal(pieces(i), 1);
	}
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* A run that is too short for the value is not part of it. */
static void unused_memory_is_one_piece_beside_a_short_run(void **state)
{
	uint32_t first = 0;

	(void)state;
	h = segment_open(&shape);
	put(0, 130);
	put(1, 130);
	/* All that is in use so far. */
	put(2, (granules_used(h->map) - 6) * SHM_GRANULE);
	assert_int_equal(pieces(2), 1);
	assert_int_equal(sfshm_forget(h, &first, sizeof(first)), 0);
	put(3, LARGE);
	assert_int_equal(pieces(3), 1);
	assert_int_equal(sfshm_close(h), 0);
}

/* Values of one size, three times as many as there is room for. */
static void full_memory_of_one_size_is_one_piece(void **state)
{
	const uint32_t fit = MEMORY / 4096;

	(void)state;
	h = segment_open(&shape);
	for (uint32_t i = 0; i < 3 * fit; i++)
		put(i, 4096);
	for (uint32_t i = 3 * fit; i < 4 * fit; i++) {
		put(i, 4096);
		assert_int_equal(pieces(i), 1);
	}
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Values of all sizes have come and gone. */
static void churned_memory_is_few_pieces(void **state)
{
	uint32_t key = 0, most = 0, sum = 0;

	(void)state;
	h = segment_open(&shape);
	for (uint64_t bytes = 0; bytes < UINT64_C(4) * MEMORY;) {
		size_t len = (size_t)(draw() % (1 << draw() % 17)) + 1;

		put(key++, len);
		bytes += len;
	}
	for (int i = 0; i < 100; i++) {
		uint32_t n;

		put(key, 4096);
		n = (uint32_t)pieces(key++);
		sum += n;
		most = n > most ? n : most;
	}
	printf("# of 100 values of 4096 bytes: %u pieces, at most %u\n", sum,
	       most);
	assert_true(sum <= 500);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void forgotten_memory_is_used_again(void **state)
{
	uint32_t granules, slots;

	(void)state;
	h = segment_open(&shape);
	for (uint32_t i = 0; i < 600; i++) {
		put(i, 4096);
		assert_int_equal(sfshm_forget(h, &i, sizeof(i)), 0);
	}
	granules = granules_used(h->map);
	slots = slots_used(h->map);
	for (uint32_t i = 0; i < 20000; i++) {
		put(i, 4096);
		assert_int_equal(sfshm_forget(h, &i, sizeof(i)), 0);
	}
	assert_int_equal(granules_used(h->map), granules);
	assert_int_equal(slots_used(h->map), slots);
	assert_true(granules < MEMORY / SHM_GRANULE / 4);
	assert_int_equal(sfshm_close(h), 0);
}

/* The processor time of the cheapest of some inserts, in ns. */
static uint64_t cheapest_insert(uint64_t bytes)
{
	const struct sfshm_options size = { .slots = 4096, .bytes = bytes };
	uint64_t least = UINT64_MAX;

	h = segment_open(&size);
	for (uint32_t i = 0; i < 40; i++) {
		struct timespec from, to;
		uint64_t took;

		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
		put(i, LARGE);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
		took = (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000 +
		       (uint64_t)to.tv_nsec - (uint64_t)from.tv_nsec;
		if (i >= 20 && took < least)
			least = took;
	}
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	return least;
}

/* Memory that is not in use yet costs a search nothing. */
static void insert_costs_the_same_in_a_larger_segment(void **state)
{
	uint64_t small = cheapest_insert(UINT64_C(64) << 20);
	uint64_t large = cheapest_insert(UINT64_C(4) << 30);

	(void)state;
	printf("# an insert of 1 MiB takes %" PRIu64 " us of a segment of "
	       "64 MiB, and %" PRIu64 " of one of 4 GiB\n",
	       small / 1000, large / 1000);
	assert_true(large < 4 * small);
	h = segment_open(&shape);
	assert_int_equal(sfshm_close(h), 0);
}

/* The back of the current value of a key. */
static struct shm_back *back_of(uint32_t key)
{
	for (uint32_t i = 0; i < slots_used(h->map); i++) {
		struct shm_slot *s = &h->map->slots[i];

		if (ctl_has(s->ctl) && !memcmp(s->key, &key, sizeof(key)))
			return slot_value(h->map, i, s->ctl).back;
	}
	fail();
	return NULL;
}

static int get(uint32_t key)
{
	return sfshm_get(h, &key, sizeof(key), &result);
}

static void damage_shows_no_other_keys_bytes(void **state)
{
	struct shm_back *back;
	uint32_t ref;

	(void)state;
	h = segment_open(&shape);
	put(0, 4096);
	put(1, 4096);
	put(2, 4096);
	back = back_of(1);
	ref = back->ref;
	assert_true(ref & SHM_RUN);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(get(i), SFSHM_CACHED);
	/* Longer than the run; and beyond all memory. */
	for (uint32_t more = 64; more <= 65536; more += more) {
		back->len = 4096 + more;
		assert_int_equal(get(1), -EBADMSG);
	}
	back->len = 4096;
	/* The reference leads to where another run begins or ends. */
	for (uint32_t off = 1; off <= 64; off++) {
		back->ref = ref + off;
		if (off < 64)
			assert_int_equal(get(1), -EBADMSG);
		back->ref = ref - off;
		if (off < 64)
			assert_int_equal(get(1), -EBADMSG);
	}
	back->ref = SHM_RUN;
	assert_int_equal(get(1), -EBADMSG);
	back->ref = UINT32_MAX;
	assert_int_equal(get(1), -EBADMSG);
	/* Without the mark the chain is followed. */
	back->ref = ref & ~SHM_RUN;
	assert_int_equal(get(1), SFSHM_CACHED);
	assert_int_equal(result.value.data ? *(uint8_t *)result.value.data : 0,
			 2);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	/* A mark that does not hold is found. */
	back->ref = ref;
	h->map->tags[(ref & ~SHM_RUN) + 1]--;
	assert_true(sfshm_verify(h, NULL, NULL) > 0);
	h->map->tags[(ref & ~SHM_RUN) + 1]++;
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* One granule is no run. The key can be written all the same. */
static void stray_mark_of_a_short_value_is_found_and_mended(void **state)
{
	struct shm_back *back;

	(void)state;
	h = segment_open(&shape);
	put(0, 64);
	put(0, 64);
	back = back_of(0);
	/* In the granule of another slot. */
	assert_true(back->ref > 1);
	back->ref |= SHM_RUN;
	assert_int_equal(get(0), -EBADMSG);
	assert_true(sfshm_verify(h, NULL, NULL) > 0);
	for (int i = 0; i < 3; i++)
		put(0, 64);
	assert_int_equal(get(0), SFSHM_CACHED);
	assert_int_equal(sfshm_verify(h, NULL, NULL), 0);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(unused_memory_is_one_piece),
		in_segment(unused_memory_is_one_piece_beside_a_short_run),
		in_segment(full_memory_of_one_size_is_one_piece),
		in_segment(churned_memory_is_few_pieces),
		in_segment(forgotten_memory_is_used_again),
		in_segment(insert_costs_the_same_in_a_larger_segment),
		in_segment(damage_shows_no_other_keys_bytes),
		in_segment(stray_mark_of_a_short_value_is_found_and_mended),
	};

	return test_main(tests);
}
