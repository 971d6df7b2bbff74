/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C19: an invalidation of a tag makes all values that carry the tag
 * stale, and only those; what is published under the tag afterwards is fresh.
 */
#include <sfshm/do.h>
#include <sfshm/pin.h>
#include <sfshm/put.h>
#include <sfshm/resize.h>
#include <sfshm/tag.h>

#include "agent.h"
#include "policy.h"
#include "store/tagging.h"
#include "watch.h"

#define KEPT .ttl_ms = SFSHM_FOREVER

/* Publishes a value with these tags, of which NULL is the last. */
static void put_with(const char *key, const char *value,
		     const char *const *tags)
{
	struct iovec list[SFSHM_TAGS_MAX];
	int n = 0;

	for (; tags[n]; n++)
		list[n] = (struct iovec){
			.iov_base = (void *)(uintptr_t)tags[n],
			.iov_len = strlen(tags[n]),
		};
	assert_int_equal(sfshm_put_tagged(h, key, strlen(key), POLICY(KEPT),
					  value, strlen(value), list, n),
			 0);
}

#define PUT(key, value, ...) \
	put_with(key, value, (const char *const[]){ __VA_ARGS__, NULL })

static int invalidate(const char *tag)
{
	return sfshm_invalidate_tag(h, tag, strlen(tag));
}

static int get_key(const char *key)
{
	return sfshm_get(h, key, strlen(key), &result);
}

static void those_and_no_others(void **state)
{
	(void)state;
	PUT("one", "1", "red");
	PUT("two", "2", "red", "square");
	PUT("three", "3", "blue", "square");
	put("plain", POLICY(KEPT));
	assert_int_equal(get_key("one"), SFSHM_CACHED);
	assert_value("1");
	assert_int_equal(invalidate("red"), 0);
	assert_int_equal(get_key("one"), -ENODATA);
	assert_int_equal(get_key("two"), -ENODATA);
	assert_int_equal(get_key("three"), SFSHM_CACHED);
	assert_value("3");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(invalidate("square"), 0);
	assert_int_equal(get_key("three"), -ENODATA);
	assert_int_equal(get(), SFSHM_CACHED);
	PUT("two", "2 again", "red", "square");
	assert_int_equal(get_key("two"), SFSHM_CACHED);
	assert_value("2 again");
	assert_sound(h);
}

static void each_of_four_tags(void **state)
{
	static const char *const tags[] = { "a", "b", "c", "d" };

	(void)state;
	for (int i = 0; i < 4; i++) {
		PUT("key", "value", "a", "b", "c", "d");
		assert_int_equal(get(), SFSHM_CACHED);
		assert_int_equal(invalidate(tags[i]), 0);
		assert_int_equal(get(), -ENODATA);
	}
}

static void a_fifth_tag_is_refused(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_tag(&flight, "a", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "b", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "c", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "a", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "d", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "e", 1), -ENOSPC);
	assert_int_equal(sfshm_flight_tag(&flight, "d", 1), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "d", 0), -EINVAL);
	assert_int_equal(sfshm_flight_tag(&flight, NULL, 1), -EINVAL);
	assert_int_equal(sfshm_flight_tag(NULL, "d", 1), -EINVAL);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(sfshm_flight_tag(&flight, "d", 1), -ESTALE);
	assert_int_equal(sfshm_invalidate_tag(h, "d", 0), -EINVAL);
	assert_int_equal(sfshm_invalidate_tag(h, NULL, 1), -EINVAL);
	assert_int_equal(sfshm_invalidate_tag(NULL, "d", 1), -EBADF);
	assert_int_equal(sfshm_put_tagged(h, "key", 3, NULL, "v", 1, NULL, 1),
			 -EINVAL);
	assert_int_equal(sfshm_put_tagged(h, "key", 3, NULL, "v", 1, NULL, -1),
			 -EINVAL);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(invalidate("d"), 0);
	assert_int_equal(get(), -ENODATA);
}

/* The next flight does not inherit the tags of the thread's last one. */
static void a_flight_has_its_own_tags_only(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_tag(&flight, "tag", 3), 0);
	assert_int_equal(sfshm_release(&flight), 0);
	put("value", POLICY(KEPT));
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("value");
}

/* In whichever way a caller looks, the value is not fresh, and serves stale. */
static void as_one_past_its_lifetime(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_pin pin;

	(void)state;
	PUT("key", "old", "tag");
	assert_int_equal(sfshm_pin(h, "key", 3, &pin, &result), SFSHM_CACHED);
	assert_int_equal(sfshm_unpin(&pin), 0);
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(sfshm_pin(h, "key", 3, &pin, &result), -ENODATA);
	assert_int_equal(sfshm_wait(h, "key", 3, NULL, &result), -ENODATA);
	assert_int_equal(sfshm_peek(h, "key", 3, NULL, &result), -ENODATA);
	assert_int_equal(sfshm_peek(h, "key", 3, POLICY(.grace_ms = 1),
				    &result),
			 SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	agent_expect(leader, "leader", "begin key forever");
	assert_int_equal(begin(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), -EBUSY);
	agent_expect(leader, "ok", "publish new");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(result.stale, 0);
	assert_value("new");
}

static void it_stands_in_for_a_failure(void **state)
{
	(void)state;
	PUT("key", "old", "tag");
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(begin(POLICY(.neg_ttl_ms = SFSHM_FOREVER)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
	assert_int_equal(begin(POLICY(.stale_if_error_ms = 60000)),
			 SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_int_equal(result.code, -5);
	assert_value("old");
}

static void renewal_keeps_the_tags(void **state)
{
	(void)state;
	PUT("key", "value", "red", "square");
	assert_int_equal(invalidate("red"), 0);
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_value(&flight, &result), 0);
	assert_int_equal(result.stale, 1);
	assert_int_equal(sfshm_touch(&flight), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("value");
	assert_int_equal(invalidate("square"), 0);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_tag(&flight, "blue", 4), 0);
	assert_int_equal(sfshm_touch(&flight), 0);
	assert_int_equal(invalidate("square"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("value");
	assert_int_equal(invalidate("blue"), 0);
	assert_int_equal(get(), -ENODATA);
	assert_sound(h);
}

static int is_not_old(const struct sfshm_result *seen, void *arg)
{
	(void)arg;
	return seen->value.len != 3 || memcmp(seen->value.data, "old", 3) != 0;
}

/* The value that could not be renewed leaves its tags to nobody. */
static void a_renewal_that_fails_passes_no_tags_on(void **state)
{
	(void)state;
	PUT("key", "old", "tag");
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(begin(POLICY(KEPT, .fits = is_not_old)), SFSHM_LEADER);
	assert_int_equal(sfshm_touch(&flight), -ENODATA);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

static void a_put_may_take_its_place(void **state)
{
	(void)state;
	PUT("key", "old", "tag");
	assert_int_equal(sfshm_put_if(h, "key", 3, POLICY(KEPT), "new", 3, 0),
			 -ESTALE);
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(sfshm_put_if(h, "key", 3, POLICY(KEPT), "new", 3, 0),
			 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

/* Tags that share a word: too much is stale, never too little. */
static void colliding_tags_invalidate_more(void **state)
{
	uint64_t word = tagging_hash("tag", 3) % SHM_TAG_WORDS;
	char other[24], third[16] = "third 1";
	int i = 0;

	(void)state;
	do
		snprintf(other, sizeof(other), "other %d", i++);
	while (tagging_hash(other, strlen(other)) % SHM_TAG_WORDS != word);
	assert_int_not_equal(tagging_hash(third, strlen(third)) % SHM_TAG_WORDS,
			     word);
	PUT("one", "1", "tag");
	PUT("two", "2", other);
	PUT("three", "3", third);
	assert_int_equal(invalidate(other), 0);
	assert_int_equal(get_key("one"), -ENODATA);
	assert_int_equal(get_key("two"), -ENODATA);
	assert_int_equal(get_key("three"), SFSHM_CACHED);
	PUT("one", "1", "tag");
	assert_int_equal(get_key("one"), SFSHM_CACHED);
}

/* A segment's viewers see it as one past its lifetime. */
static void views_show_it_as_stale(void **state)
{
	struct sfshm_slot_info slot;

	(void)state;
	PUT("key", "12345", "tag");
	assert_true(watch_key("key", &slot));
	assert_int_equal(slot.value_bytes, 5);
	assert_int_equal(slot.ttl_ms, -1);
	assert_int_equal(invalidate("tag"), 0);
	assert_true(watch_key("key", &slot));
	assert_int_equal(slot.has_value, 1);
	assert_int_equal(slot.ttl_ms, 0);
}

static void it_is_so_after_a_resize(void **state)
{
	const struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 300,
	};

	(void)state;
	PUT("one", "1", "red");
	PUT("two", "2", "blue");
	assert_int_equal(invalidate("red"), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(invalidate("green"), 0);
	assert_int_equal(sfshm_resize(segment, &larger, 0, NULL, NULL), 0);
	assert_int_equal(get_key("one"), -ENODATA);
	assert_int_equal(get_key("two"), SFSHM_CACHED);
	assert_value("2");
	assert_int_equal(invalidate("green"), 0);
	assert_int_equal(get_key("two"), SFSHM_CACHED);
	assert_int_equal(invalidate("blue"), 0);
	assert_int_equal(get_key("two"), -ENODATA);
	assert_sound(h);
}

/* It has not returned, so nothing is promised; the next one does all. */
static void a_dead_invalidator_is_in_nobodys_way(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	PUT("key", "old", "tag");
	agent_expect(a, "ok", "arm tag_counted 1 KILL");
	agent_say(a, "invalidate-tag tag");
	agent_gone(a);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_sound(h);
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(get(), -ENODATA);
	PUT("key", "new", "tag");
	assert_int_equal(get(), SFSHM_CACHED);
}

/* What began after it was counted has seen what it changed, and stays. */
static void a_stopped_invalidator_spares_what_began_since(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	PUT("before", "old", "tag");
	agent_expect(a, "ok", "arm tag_counted 1 STOP");
	agent_say(a, "invalidate-tag tag");
	agent_stopped(a);
	PUT("since", "new", "tag");
	agent_signal(a, SIGCONT);
	agent_answers(a, "ok");
	assert_int_equal(get_key("before"), -ENODATA);
	assert_int_equal(get_key("since"), SFSHM_CACHED);
}

static void a_stopped_invalidator_finds_the_successor(void **state)
{
	const struct sfshm_options larger = {
		.size = sizeof(larger),
		.slots = 300,
	};
	struct agent *a = agent_start();

	(void)state;
	PUT("key", "old", "tag");
	agent_expect(a, "ok", "arm tag_counted 1 STOP");
	agent_say(a, "invalidate-tag tag");
	agent_stopped(a);
	assert_int_equal(sfshm_resize(segment, &larger, 0, NULL, NULL), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	agent_signal(a, SIGCONT);
	agent_answers(a, "ok");
	assert_int_equal(get(), -ENODATA);
}

static void a_later_one_outdoes_a_stopped_one(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "arm tag_counted 1 STOP");
	agent_say(a, "invalidate-tag tag");
	agent_stopped(a);
	PUT("key", "new", "tag");
	assert_int_equal(invalidate("tag"), 0);
	agent_signal(a, SIGCONT);
	agent_answers(a, "ok");
	assert_int_equal(get(), -ENODATA);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(those_and_no_others),
		in_policy(each_of_four_tags),
		in_policy(a_fifth_tag_is_refused),
		in_policy(a_flight_has_its_own_tags_only),
		in_policy(as_one_past_its_lifetime),
		in_policy(it_stands_in_for_a_failure),
		in_policy(renewal_keeps_the_tags),
		in_policy(a_renewal_that_fails_passes_no_tags_on),
		in_policy(a_put_may_take_its_place),
		in_policy(colliding_tags_invalidate_more),
		in_policy(views_show_it_as_stale),
		in_policy(it_is_so_after_a_resize),
		in_policy(a_dead_invalidator_is_in_nobodys_way),
		in_policy(a_stopped_invalidator_spares_what_began_since),
		in_policy(a_stopped_invalidator_finds_the_successor),
		in_policy(a_later_one_outdoes_a_stopped_one),
	};

	return test_main(tests);
}
