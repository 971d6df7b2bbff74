/* SPDX-License-Identifier: MIT */
/*
 * A program that uses liburcu itself may call from inside a read-side section:
 * it follows to the successor without waiting for a grace period, which would
 * wait for it.
 */
#include <urcu/urcu-bp.h>

#include "resizing.h"

static int mappings(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	int n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, watch_path()) != NULL;
	fclose(maps);
	return n;
}

struct round {
	struct sfshm *h;
	uint32_t calls, stop;
	bool inside_for_ever;
};

static void ask_inside(struct round *r, struct sfshm_result *result)
{
	struct sfshm_flight flight;
	const struct sfshm_policy again = {
		.size = sizeof(again),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
	};
	int got;

	demand(sfshm_get(r->h, "key", 3, result) == SFSHM_CACHED);
	got = sfshm_begin(r->h, "mine", 4, &again, &flight, result);
	demand(got == SFSHM_LEADER);
	demand(sfshm_publish(&flight, "v", 1) == 0);
	fetch_add_relaxed(&r->calls, 1);
}

static void *ask_until_told(void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct round *r = arg;

	if (r->inside_for_ever)
		urcu_bp_read_lock();
	while (!load_acquire(&r->stop)) {
		urcu_bp_read_lock();
		ask_inside(r, &result);
		urcu_bp_read_unlock();
	}
	if (r->inside_for_ever)
		urcu_bp_read_unlock();
	sfshm_result_clear(&result);
	return NULL;
}

static void go_on(struct round *r)
{
	uint32_t before = load_relaxed(&r->calls);

	assert_true(eventually(load_relaxed(&r->calls) > before + 10));
}

static void resize_around(bool inside_for_ever)
{
	struct round r = { .inside_for_ever = inside_for_ever };
	pthread_t thread;

	r.h = segment_open(NULL);
	resizing_put(r.h, "key", "value");
	assert_int_equal(pthread_create(&thread, NULL, ask_until_told, &r), 0);
	go_on(&r);
	for (uint32_t i = 0; i < 5; i++) {
		struct resizing *z = resizing_make(100 + i);

		assert_int_equal(child_gone(resizing_start(z)), 0);
		assert_int_equal(z->outcome, 0);
		go_on(&r);
	}
	store_release(&r.stop, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(resizing_get(r.h, "key"), "value");
	assert_string_equal(resizing_get(r.h, "key"), "value");
	assert_int_equal(sfshm_close(r.h), 0);
	resizing_settled();
	/* Nothing is mapped for ever. */
	assert_int_equal(mappings(), 0);
}

static void now_and_then(void **state)
{
	(void)state;
	resize_around(false);
}

static void all_the_time(void **state)
{
	(void)state;
	resize_around(true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(now_and_then),
		in_segment(all_the_time),
	};

	return test_main(tests);
}
