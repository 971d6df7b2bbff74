/* SPDX-License-Identifier: MIT */
/*
 * A reaper gives back everything that a dead participant owned before anybody
 * becomes the next owner of its record.
 */
#include <signal.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

/* One record for all: each next agent takes over the dead one's. */
static void one_after_the_other(void **state)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	struct sfshm_slot_info slot;
	struct sfshm_view *view;

	(void)state;
	for (unsigned int i = 1; i <= 5; i++) {
		struct agent *a = agent_start_bare(0);

		agent_expect(a, "ok", "open %s participants=1", segment);
		agent_expect(a, i == 1 ? "leader" : "leader owner_died",
			     "begin key");
		assert_true(watch_key("key", &slot));
		assert_int_equal(slot.owner, 1);
		assert_int_equal(slot.owner_pid, a->pid);
		assert_true(slot.owner_alive);
		agent_kill(a);
		assert_true(watch_key("key", &slot));
		assert_false(slot.owner_alive);
	}
	assert_int_equal(watch_counter("reaps"), 4);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_participant(view, 0, &info), 0);
	assert_int_equal(info.incarnation, 5);
	assert_true(info.attached);
	assert_false(info.alive);
	assert_int_equal(sfshm_view_participant(view, 1, &info), -ERANGE);
	sfshm_view_close(view);
}

/* More flights than a record notes by name: all are found. */
static void forty_flights_of_one(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	for (int i = 0; i < 40; i++)
		agent_expect(a, "leader", "begin key-%d", i);
	for (int i = 0; i < 5; i++)
		agent_expect(a, "@t leader", "@t begin t-%d", i);
	agent_kill(a);
	agent_expect(b, "0", "verify");
	for (int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key-%d", i);
		assert_int_equal(watch_phase(key), SFSHM_PHASE_IDLE);
	}
	assert_int_equal(watch_counter("owner_died"), 45);
	assert_int_equal(watch_counter("reaps"), 2);
}

/* Granules that are somebody's now. */
static uint64_t bytes_used(void)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view;

	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &info), 0);
	sfshm_view_close(view);
	return info.bytes_used;
}

/* Memory half built, half freed or half handed over is free again. */
static void memory_is_given_back(void **state)
{
	static const struct {
		const char *name;
		int count;
	} points[] = {
		{ "arena_pending", 300 }, { "arena_claimed", 300 },
		{ "arena_chained", 300 }, { "arena_freeing", 300 },
		{ "arena_dooming", 1 },   { "arena_handing", 1 },
		{ "arena_handed", 1 },    { "publish_written", 1 },
	};
	struct agent *other = agent_start();
	uint64_t before;

	(void)state;
	agent_expect(other, "leader", "begin key refresh forever");
	agent_expect(other, "ok", "publish-bytes 50000 1");
	agent_expect(other, "leader", "begin key refresh forever");
	agent_expect(other, "ok", "publish-bytes 50000 2");
	before = bytes_used();
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct agent *a = agent_start();

		agent_expect(a, "leader", "begin key refresh");
		agent_expect(a, "ok", "arm %s %d KILL", points[i].name,
			     points[i].count);
		agent_say(a, "publish-bytes 60000 3");
		assert_int_equal(agent_gone(a), SIGKILL);
		agent_expect(other, "0", "verify");
		agent_expect(other, "cached bytes 50000 2", "get key");
		agent_expect(other, "leader owner_died",
			     "begin key refresh forever");
		agent_expect(other, "ok", "publish-bytes 50000 1");
		agent_expect(other, "leader", "begin key refresh forever");
		agent_expect(other, "ok", "publish-bytes 50000 2");
		assert_int_equal(bytes_used(), before);
	}
}

/* What was counted stays counted, whoever has the record now. */
static void counters_outlive_their_owner(void **state)
{
	(void)state;
	for (unsigned int i = 1; i <= 5; i++) {
		struct agent *a = agent_start_bare(0);

		agent_expect(a, "ok", "open %s participants=1", segment);
		agent_expect(a, "leader", "begin key-%u", i);
		agent_expect(a, "ok", "publish value");
		agent_kill(a);
		assert_int_equal(watch_counter("loads"), i);
		assert_int_equal(watch_counter("publishes"), i);
		assert_int_equal(watch_counter("attaches"), i);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(one_after_the_other),
		in_segment(forty_flights_of_one),
		in_segment(memory_is_given_back),
		in_segment(counters_outlive_their_owner),
	};

	return test_main(tests);
}
