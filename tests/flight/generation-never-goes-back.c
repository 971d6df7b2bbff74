/* SPDX-License-Identifier: MIT */
/*
 * Each flight of a key has a higher generation than the one before, whatever
 * happened to the key in between, so it can serve as a fencing token.
 */
#include "agent.h"
#include "crowd.h"
#include "watch.h"

/* Leads the key once more; its generation, after having published. */
static uint64_t next_flight(struct sfshm *h, const char *key)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint64_t generation;

	demand(sfshm_begin(h, key, strlen(key), &policy, &flight, &result) ==
	       SFSHM_LEADER);
	generation = sfshm_flight_generation(&flight);
	demand(generation == result.generation);
	demand(sfshm_publish(&flight, key, strlen(key)) == 0);
	demand(sfshm_get(h, key, strlen(key), &result) == SFSHM_CACHED);
	demand(generation == result.generation);
	sfshm_result_clear(&result);
	return generation;
}

static void when_forgotten(void **state)
{
	struct sfshm *h = segment_open(NULL);
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint64_t now = next_flight(h, "key");

		assert_true(now > last);
		last = now;
		if (i % 3 == 1)
			assert_int_equal(sfshm_forget(h, "key", 3), 0);
		if (i % 3 == 2)
			assert_true(sfshm_purge(h) > 0);
	}
	assert_int_equal(sfshm_close(h), 0);
}

/* More keys than slots: each comes back after having been evicted. */
static void when_evicted(void **state)
{
	const struct sfshm_options tiny = { .slots = 8 };
	struct sfshm *h = segment_open(&tiny);
	uint64_t last[30] = { 0 };

	(void)state;
	for (int i = 0; i < 900; i++) {
		char key[16];
		uint64_t now;

		snprintf(key, sizeof(key), "key-%d", i * 7 % 30);
		now = next_flight(h, key);
		assert_true(now > last[i * 7 % 30]);
		last[i * 7 % 30] = now;
	}
	/* Of the 30 keys of a round at most 8 are there as the round begins. */
	assert_true(watch_counter("evictions") >= 30 * 22 - 8);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static uint64_t told(struct agent *a)
{
	agent_say(a, "generation");
	return strtoull(agent_hear(a), NULL, 10);
}

static void when_taken_over(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	uint64_t first, second, third;

	(void)state;
	agent_expect(a, "leader", "begin key");
	first = told(a);
	agent_say(b, "begin key age=1");
	await_waiters("key", 1);
	agent_kill(a);
	agent_answers(b, "leader owner_died");
	second = told(b);
	assert_true(second > first);

	a = agent_start();
	agent_expect(a, "leader owner_died", "begin key");
	third = told(a);
	assert_true(third > second);
	agent_expect(b, "-ESTALE", "publish old");
}

static void forget(struct sfshm *h)
{
	int r = sfshm_forget(h, "key", 3);

	demand(r == 0 || r == -EBUSY || r == -ENODATA);
}

/* Of all that comes and goes at once, no generation is given out twice. */
static void come_and_go(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;
	uint64_t *highest = arg;

	for (int i = 0; i < 2000 / SLOWNESS; i++) {
		if ((i + member) % 3 == 0) {
			forget(h);
			continue;
		}
		demand(sfshm_begin(h, "key", 3, NULL, &flight, &result) >= 0);
		if (!result.leader)
			continue;
		demand(result.generation > load_acquire(highest));
		store_release(highest, result.generation);
		demand(sfshm_publish(&flight, NULL, 0) == 0);
	}
	sfshm_result_clear(&result);
	demand(sfshm_close(h) == 0);
}

static void among_processes(void **state)
{
	(void)state;
	crowd_run(PROCESSES, 8, come_and_go, shared_memory(sizeof(uint64_t)));
}

static void among_threads(void **state)
{
	(void)state;
	crowd_run(THREADS, 8, come_and_go, shared_memory(sizeof(uint64_t)));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(when_forgotten),  in_segment(when_evicted),
		in_segment(when_taken_over), in_segment(among_processes),
		in_segment(among_threads),
	};

	return test_main(tests);
}
