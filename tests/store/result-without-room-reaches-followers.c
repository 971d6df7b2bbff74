/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C15: All value memory is pinned. A result still reaches its
 * followers, marked as not kept, and its leader. A later caller starts anew. A
 * caller whose policy asks for it gets an error instead.
 */
#include <sfshm/pin.h>

#include "asker.h"
#include "watch.h"

#define WAITERS 5
#define LARGEST (40 << 10)

static const struct sfshm_options tiny = {
	.slots = 16,
	.bytes = 64 << 10,
	.max_value = LARGEST,
};

static char bytes[LARGEST + 1];
static struct sfshm_pin pins[2];

static void pin_everything(struct sfshm *h)
{
	static const char *const keys[] = { "pinned 1", "pinned 2" };
	static const size_t lens[] = { LARGEST, (64 << 10) - LARGEST };
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	memset(bytes, 'x', LARGEST);
	for (int i = 0; i < 2; i++) {
		size_t n = strlen(keys[i]);

		assert_int_equal(sfshm_begin(h, keys[i], n, &keep, &flight,
					     &result),
				 SFSHM_LEADER);
		assert_int_equal(sfshm_publish(&flight, bytes, lens[i]), 0);
		assert_int_equal(sfshm_pin(h, keys[i], n, &pins[i], &result),
				 SFSHM_CACHED);
	}
	sfshm_result_clear(&result);
}

static void unpin_everything(void)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(sfshm_unpin(&pins[i]), 0);
}

static int publish_to_all(struct sfshm_flight *flight, void *len)
{
	demand(eventually(sfshm_flight_waiters(flight) == WAITERS));
	return sfshm_publish(flight, bytes, *(size_t *)len);
}

static void ask_together(struct sfshm *h, size_t len)
{
	struct asker askers[WAITERS + 1] = { 0 };
	int computed = 0;

	for (int i = 0; i <= WAITERS; i++) {
		askers[i].work = publish_to_all;
		askers[i].arg = &len;
		askers[i].policy.ttl_ms = SFSHM_FOREVER;
		asker_start(&askers[i], h, "key");
	}
	for (int i = 0; i <= WAITERS; i++) {
		struct asker *a = &askers[i];

		asker_join(a);
		assert_in_range(a->outcome, SFSHM_AWAITED, SFSHM_COMPUTED);
		assert_int_equal(a->result.value.len, len);
		assert_memory_equal(a->result.value.data, bytes, len);
		assert_int_equal(a->result.uncached, 1);
		computed += a->outcome == SFSHM_COMPUTED;
		sfshm_result_clear(&a->result);
	}
	assert_int_equal(computed, 1);
}

static void reaches_all_who_wait(void **state)
{
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_result result = SFSHM_RESULT_INIT;

	(void)state;
	pin_everything(h);
	ask_together(h, 100);
	assert_int_equal(sfshm_get(h, "key", 3, &result), -ENODATA);
	ask_together(h, LARGEST);
	ask_together(h, LARGEST);
	assert_int_equal(sfshm_get(h, "key", 3, &result), -ENODATA);
	assert_int_equal(watch_counter("uncached"), 3);
	assert_int_equal(watch_counter("loads_deduped"), 3 * WAITERS);
	unpin_everything();
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static int publish_where_followed(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	/* A follower that runs the work itself has no flight. */
	if (sfshm_flight_generation(flight))
		demand(eventually(sfshm_flight_waiters(flight) == WAITERS));
	return sfshm_publish(flight, bytes, LARGEST);
}

/*
 * The last value that was handed on keeps its memory while its key's next
 * flight is on. So there is none to hand another one on.
 */
static void reaches_its_leader_if_not_even_they_have_room(void **state)
{
	struct asker askers[WAITERS + 1] = { 0 };
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int coordinated = 0;

	(void)state;
	pin_everything(h);
	ask_together(h, LARGEST);
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	for (int i = 0; i <= WAITERS; i++) {
		askers[i].work = publish_where_followed;
		asker_start(&askers[i], h, "other");
	}
	for (int i = 0; i <= WAITERS; i++) {
		struct asker *a = &askers[i];

		asker_join(a);
		assert_int_equal(a->outcome, SFSHM_COMPUTED);
		assert_int_equal(a->result.value.len, LARGEST);
		assert_int_equal(a->result.uncached, 1);
		assert_int_equal(a->result.shared, 0);
		coordinated += a->result.coordinated;
		sfshm_result_clear(&a->result);
	}
	assert_int_equal(coordinated, 1);
	assert_int_equal(sfshm_release(&flight), 0);
	unpin_everything();
	sfshm_result_clear(&result);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* Nobody waits: the leader has it, and that is all there is to it. */
static void ends_the_flight_where_nobody_waits(void **state)
{
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	(void)state;
	pin_everything(h);
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, bytes, 100), SFSHM_UNCACHED);
	assert_int_equal(sfshm_publish(&flight, bytes, 100), -ESTALE);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	unpin_everything();
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void is_an_error_for_who_asked_for_one(void **state)
{
	const struct sfshm_policy strict = {
		.size = sizeof(strict),
		.flags = SFSHM_KEEP,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm *h = segment_open(&tiny);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	(void)state;
	pin_everything(h);
	assert_int_equal(sfshm_begin(h, "key", 3, &strict, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, bytes, 100), -ENOSPC);
	unpin_everything();
	/* The flight is still there, and there is room now. */
	assert_int_equal(sfshm_publish(&flight, bytes, 100), 0);
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_int_equal(result.uncached, 0);
	sfshm_result_clear(&result);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(reaches_all_who_wait),
		in_segment(reaches_its_leader_if_not_even_they_have_room),
		in_segment(ends_the_flight_where_nobody_waits),
		in_segment(is_an_error_for_who_asked_for_one),
	};

	return test_main(tests);
}
