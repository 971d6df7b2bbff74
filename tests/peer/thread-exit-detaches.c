/* SPDX-License-Identifier: MIT */
/*
 * A thread that ends gives its record back, and a process gives its records
 * back when it closes its handle.
 */
#include "agent.h"
#include "crowd.h"
#include "testing.h"
#include "watch.h"

static void assert_attached(uint32_t n)
{
	uint32_t attached, alive;

	watch_participants(&attached, &alive);
	assert_int_equal(attached, n);
	assert_int_equal(alive, n);
}

static void look_once(int member, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char key[16];
	int n = snprintf(key, sizeof(key), "%d", member);

	demand(sfshm_get(arg, "key", 3, &result) == -ENODATA);
	/* Left behind: it is released by the thread's end. */
	demand(sfshm_begin(arg, key, (size_t)n, NULL, &flight, &result) ==
	       SFSHM_LEADER);
	sfshm_result_clear(&result);
}

/* Far more threads than records, one crowd after the other. */
static void so_records_suffice_for_ever(void **state)
{
	const struct sfshm_options few = { .participants = 9 };
	struct sfshm *h = segment_open(&few);

	(void)state;
	for (int i = 0; i < 20; i++)
		crowd_run(THREADS, 8, look_once, h);
	assert_attached(0);
	assert_int_equal(watch_counter("attaches"), 160);
	assert_int_equal(watch_counter("owner_died"), 0);
	assert_sound(h);
	assert_attached(1);
	for (int key = '0'; key < '8'; key++)
		assert_int_equal(watch_phase((const char[]){ (char)key, '\0' }),
				 SFSHM_PHASE_IDLE);
	assert_int_equal(sfshm_close(h), 0);
	assert_attached(0);
}

static void in_every_way(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "@one leader", "@one begin key");
	agent_expect(a, "@two -EBUSY", "@two begin key try");
	assert_attached(3);
	agent_say(a, "@one pthread_exit");
	agent_expect(a, "ok", "join one");
	assert_attached(2);
	agent_expect(a, "@two leader", "@two begin key");
	agent_expect(a, "ok", "cancel two");
	assert_attached(1);
	agent_expect(a, "leader", "begin key");
	agent_expect(a, "ok", "close");
	assert_attached(0);
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
}

/* Cancelled while it sleeps as a follower. */
static void in_the_middle_of_a_wait(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "-EBUSY", "begin key try");
	for (int i = 0; i < 10; i++) {
		agent_say(a, "@t%d begin key", i);
		await_waiters("key", 1);
		agent_expect(a, "ok", "cancel t%d", i);
		assert_int_equal(watch_waiters("key"), 0);
		assert_attached(2);
	}
	agent_expect(leader, "ok", "publish value");
	agent_expect(leader, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(so_records_suffice_for_ever),
		in_segment(in_every_way),
		in_segment(in_the_middle_of_a_wait),
	};

	return test_main(tests);
}
