/* SPDX-License-Identifier: MIT */
/*
 * A resizer dies at each of its kill points. The segment serves in its old or
 * its new size, another resize finishes the work, and one file is left.
 */
#include <fcntl.h>

#include "resizing.h"

static const enum kill_point points[] = {
	KILL_AT_resize_aliased, KILL_AT_resize_linked,  KILL_AT_resize_renamed,
	KILL_AT_resize_moved,   KILL_AT_resize_emptied, KILL_AT_resize_drained,
};

/* The segment, as those who come now see it, while one leads `slow`. */
static void serves(struct sfshm *h, struct agent *before, const char *value)
{
	struct agent *fresh = agent_start();
	char cached[64];

	snprintf(cached, sizeof(cached), "cached %s", value);
	agent_expect(fresh, cached, "get key");
	agent_expect(before, cached, "get key");
	assert_string_equal(resizing_get(h, "key"), value);
	agent_expect(fresh, "-EBUSY", "begin slow try");
	agent_expect(before, "-EBUSY", "begin slow try");
	agent_expect(fresh, "leader", "begin other");
	agent_expect(before, "-EBUSY", "begin other try");
	agent_expect(fresh, "ok", "release");
	agent_kill(fresh);
}

/* Does not return to the old values, whoever asks. */
static void resize_and_die(enum kill_point point, bool flight)
{
	const struct sfshm_options small = { .slots = 100, .bytes = 1 << 20 };
	struct sfshm *h = segment_open(&small);
	struct agent *leader = agent_start(), *before = agent_start();
	struct resizing *z = resizing_make(200);
	uint64_t generation;

	generation = resizing_put(h, "key", "value");
	agent_expect(before, "cached value", "get key");
	if (flight)
		agent_expect(leader, "leader", "begin slow forever");
	z->point = point;
	assert_int_equal(child_gone(resizing_start(z)), SIGKILL);
	if (!flight)
		agent_expect(leader, "leader", "begin slow forever");
	serves(h, before, "value");
	assert_true(resizing_put(h, "key", "newer") > generation);
	serves(h, before, "newer");
	agent_expect(leader, "ok", "publish done");
	assert_string_equal(resizing_get(h, "slow"), "done");

	assert_int_equal(resizing_finish(), 0);
	agent_expect(before, "cached newer", "get key");
	agent_expect(before, "cached done", "get slow");
	assert_string_equal(resizing_get(h, "key"), "newer");
	agent_end_all();
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();

	assert_int_equal(resizing_run(resizing_make(300)), 0);
	assert_int_equal(resizing_look().slots, 300);
	resizing_settled();
	watch_end();
	assert_int_equal(sfshm_unlink(segment), 0);
}

/* Who has no name for it cannot ask its predecessor. */
static void a_descriptor_will_not_do(void **state)
{
	const struct sfshm_options small = { .slots = 100, .bytes = 1 << 20 };
	struct sfshm *h = segment_open(&small), *other;
	struct resizing *z = resizing_make(200);
	char path[256];

	(void)state;
	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	resizing_put(h, "key", "value");
	assert_int_equal(sfshm_close(h), 0);
	z->point = KILL_AT_resize_moved;
	assert_int_equal(child_gone(resizing_start(z)), SIGKILL);
	assert_int_equal(sfshm_open_fd(&other, open(path, O_RDWR), NULL),
			 -EBUSY);
	assert_null(other);
	assert_int_equal(resizing_finish(), 0);
	assert_int_equal(sfshm_open_fd(&other, open(path, O_RDWR), NULL), 0);
	assert_string_equal(resizing_get(other, "key"), "value");
	assert_int_equal(sfshm_close(other), 0);
}

static void with_nobody_at_work(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		printf("# %s\n", killpoint_name(points[i]));
		resize_and_die(points[i], false);
	}
}

/* A flight holds the old segment up: that is never emptied before its end. */
static void with_a_flight_on(void **state)
{
	(void)state;
	for (size_t i = 0; i + 2 < sizeof(points) / sizeof(points[0]); i++) {
		printf("# %s\n", killpoint_name(points[i]));
		resize_and_die(points[i], true);
	}
}

/* Removing the segment removes what an interrupted resize left beside it. */
static void unlinked(void **state)
{
	const struct sfshm_options small = { .slots = 100, .bytes = 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct sfshm *h = segment_open(&small);
		struct resizing *z = resizing_make(200);

		assert_int_equal(sfshm_close(h), 0);
		z->point = points[i];
		assert_int_equal(child_gone(resizing_start(z)), SIGKILL);
		assert_int_equal(sfshm_unlink(segment), 0);
		if (resizing_files())
			fail_msg("killed at %s, then removed: %d files left",
				 killpoint_name(points[i]), resizing_files());
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(a_descriptor_will_not_do),
		in_segment(with_nobody_at_work),
		in_segment(with_a_flight_on),
		in_segment(unlinked),
	};

	return test_main(tests);
}
