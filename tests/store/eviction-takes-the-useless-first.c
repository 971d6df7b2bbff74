/* SPDX-License-Identifier: MIT */
/*
 * An evictor takes expired keys before living ones, keys that were asked for
 * once before those that were asked for again, and never a key with a leader.
 */
#include "crowd.h"
#include "watch.h"

#define SLOTS 512

static const struct sfshm_options shape = {
	.slots = SLOTS,
	.bytes = 4 << 20,
	.max_value = 64 << 10,
};

static struct sfshm_result result = SFSHM_RESULT_INIT;

static void put(struct sfshm *h, const char *tag, int i, size_t len,
		uint32_t ttl_ms)
{
	static uint8_t data[64 << 10];
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight flight;
	char key[32];

	policy.ttl_ms = ttl_ms;
	snprintf(key, sizeof(key), "%s-%d", tag, i);
	demand(sfshm_begin(h, key, strlen(key), &policy, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, data, len) == 0);
}

static bool there(struct sfshm *h, const char *tag, int i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s-%d", tag, i);
	return sfshm_get(h, key, strlen(key), &result) == SFSHM_CACHED;
}

/* How many of the first n keys of that tag are there. */
static int count_of(struct sfshm *h, const char *tag, int n)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += there(h, tag, i);
	return found;
}

/* While there are plenty: the expiry hand looks only so far at a time. */
static void expired_before_living(void **state)
{
	struct sfshm *h = segment_open(&shape);
	const int n = SLOTS / 4;

	(void)state;
	for (int i = 0; i < SLOTS / 2; i++) {
		put(h, "living", i, 100, SFSHM_FOREVER);
		put(h, "expired", i, 100, 10);
	}
	clock_advance(1000);
	for (int i = 0; i < n; i++)
		put(h, "new", i, 100, SFSHM_FOREVER);
	assert_int_equal(count_of(h, "living", SLOTS / 2), SLOTS / 2);
	assert_int_equal(count_of(h, "new", n), n);
	assert_int_equal(watch_counter("evictions"), 0);
	assert_in_range(watch_counter("expirations"), n, SLOTS / 2);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* The same when it is memory that is short. */
static void expired_memory_before_living(void **state)
{
	struct sfshm *h = segment_open(&shape);
	const int n = 32; /* of 64 KiB each: half of all memory */

	(void)state;
	for (int i = 0; i < n; i++) {
		put(h, "living", i, 64 << 10, SFSHM_FOREVER);
		put(h, "expired", i, 64 << 10, 10);
	}
	clock_advance(1000);
	for (int i = 0; i < n; i++)
		put(h, "new", i, 60 << 10, SFSHM_FOREVER);
	assert_int_equal(count_of(h, "living", n), n);
	assert_int_equal(count_of(h, "new", n), n);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Ten times the capacity passes by, each key once; a tenth is in use. */
static void hot_keys_survive_a_scan(void **state)
{
	struct sfshm *h = segment_open(&shape);
	const int hot = SLOTS / 10;
	int lost = 0;

	(void)state;
	for (int i = 0; i < hot; i++)
		put(h, "hot", i, 100, SFSHM_FOREVER);
	for (int i = 0; i < SLOTS * 10; i++) {
		int key = i % hot;

		put(h, "scan", i, 100, SFSHM_FOREVER);
		if (there(h, "hot", key))
			continue;
		put(h, "hot", key, 100, SFSHM_FOREVER);
		lost++;
	}
	printf("# %d of %d reads of hot keys found nothing\n", lost,
	       SLOTS * 10);
	assert_true(lost < SLOTS * 10 / 100);
	assert_true(count_of(h, "hot", hot) >= hot - 1);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

#define LEADERS (SLOTS / 8)

/* Leads for as long as others press; then the flights are still its own. */
static void lead_or_press(int member, void *arg)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight[LEADERS];
	uint32_t *pressed = arg;
	char key[32];

	for (int i = 0; member && i < SLOTS * 4 / SLOWNESS; i++)
		put(h, member == 1 ? "one" : "two", i, 2000, SFSHM_FOREVER);
	if (member) {
		fetch_add_acq_rel(pressed, 1);
		demand(sfshm_close(h) == 0);
		return;
	}
	for (int i = 0; i < LEADERS; i++) {
		snprintf(key, sizeof(key), "led-%d", i);
		demand(sfshm_begin(h, key, strlen(key), NULL, &flight[i],
				   &result) == SFSHM_LEADER);
	}
	demand(eventually(load_acquire(pressed) == 2));
	for (int i = 0; i < LEADERS; i++)
		demand(sfshm_publish(&flight[i], "mine", 4) == 0);
	demand(sfshm_close(h) == 0);
}

static void flights_under_pressure(void **state)
{
	struct sfshm *h = segment_open(&shape);

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	crowd_run(PROCESSES, 3, lead_or_press, shared_memory(sizeof(uint32_t)));
	h = segment_open(NULL);
	assert_true(watch_counter("evictions") > SLOTS / SLOWNESS);
	assert_int_equal(watch_counter("fenced"), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Where everything is led there is no room, and nobody is robbed. */
static void all_slots_led(void **state)
{
	const struct sfshm_options few = { .slots = 16 };
	struct sfshm *h = segment_open(&few);
	struct sfshm_flight flight[17];
	char key[32];

	(void)state;
	for (int i = 0; i < 17; i++) {
		int r;

		snprintf(key, sizeof(key), "led-%d", i);
		r = sfshm_begin(h, key, strlen(key), NULL, &flight[i], &result);
		assert_int_equal(r, i < 16 ? SFSHM_LEADER : -ENOSPC);
	}
	for (int i = 0; i < 16; i++)
		assert_int_equal(sfshm_publish(&flight[i], "mine", 4), 0);
	put(h, "one more", 0, 100, SFSHM_FOREVER);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(expired_before_living),
		in_segment(expired_memory_before_living),
		in_segment(hot_keys_survive_a_scan),
		in_segment(flights_under_pressure),
		in_segment(all_slots_led),
	};

	return test_main(tests);
}
