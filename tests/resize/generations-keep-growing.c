/* SPDX-License-Identifier: MIT */
/* A fencing token from before a resize is lower than any from after it. */
#include "resizing.h"

static void from_resize_to_resize(void **state)
{
	const struct sfshm_options small = { .slots = 8 };
	struct sfshm *h = segment_open(&small);
	uint64_t last[20] = { 0 };

	(void)state;
	for (uint32_t round = 0; round < 30; round++) {
		for (int key = 0; key < 20; key++) {
			char name[16];
			uint64_t now;

			snprintf(name, sizeof(name), "key-%d", key);
			now = resizing_put(h, name, name);
			assert_true(now > last[key]);
			last[key] = now;
		}
		if (round % 3 == 0)
			assert_int_equal(
				resizing_run(resizing_make(8 + round % 5)), 0);
	}
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
	resizing_settled();
}

/* Values that were moved have one as well, for those who read them. */
static void as_readers_see_them(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	uint64_t generation = resizing_put(h, "key", "value");

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(resizing_run(resizing_make(100 + i)), 0);
		assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
		assert_true(result.generation > generation);
		generation = result.generation;
	}
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static uint64_t told(struct agent *a)
{
	agent_say(a, "generation");
	return strtoull(agent_hear(a), NULL, 10);
}

/* A flight that ends in the old segment, and the next one in the new. */
static void across_the_switch(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct agent *leader = agent_start(), *next = agent_start();
	struct resizing *z = resizing_make(300);
	uint64_t before;
	int pid;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	before = told(leader);
	pid = resizing_start(z);
	resizing_await(300);
	agent_say(next, "begin key");
	agent_kill(leader);
	assert_non_null(strstr(agent_hear(next), "leader"));
	assert_true(told(next) > before);
	agent_expect(next, "ok", "publish value");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(from_resize_to_resize),
		in_segment(as_readers_see_them),
		in_segment(across_the_switch),
	};

	return test_main(tests);
}
