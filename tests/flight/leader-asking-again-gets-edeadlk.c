/* SPDX-License-Identifier: MIT */
/*
 * A thread that asks for a key that it leads gets -EDEADLK, and does not hang.
 */
#include "agent.h"
#include "watch.h"

static void its_own_flight(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "-EDEADLK", "wait key");
	agent_expect(a, "-EDEADLK", "wait key try");
	agent_expect(a, "-ENODATA", "get key");
	/* Another thread of the same process waits like anybody. */
	agent_say(a, "@t begin key");
	await_waiters("key", 1);
	agent_say(a, "publish value");
	agent_answers_both(a, "ok", "@t awaited value");
	agent_expect(a, "cached value", "wait key");
}

static int ask_again(struct sfshm_flight *flight, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight second;

	assert_int_equal(sfshm_begin(arg, "key", 3, NULL, &second, &result),
			 -EDEADLK);
	/* The failed try's struct leads nothing. */
	assert_int_equal(sfshm_publish(&second, "no", 2), -ESTALE);
	sfshm_result_clear(&result);
	return sfshm_publish(flight, "value", 5);
}

static void within_the_work(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, NULL, ask_again, h, &result),
			 SFSHM_COMPUTED);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* Many different keys are another matter: more than are noted by name. */
static void other_keys_are_free_to_lead(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flights[40];

	(void)state;
	for (char key = 0; key < 40; key++)
		assert_int_equal(sfshm_begin(h, &key, 1, NULL,
					     &flights[(int)key], &result),
				 SFSHM_LEADER);
	for (int i = 0; i < 40; i++)
		assert_int_equal(sfshm_publish(&flights[i], "v", 1), 0);
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(its_own_flight),
		in_segment(within_the_work),
		in_segment(other_keys_are_free_to_lead),
	};

	return test_main(tests);
}
