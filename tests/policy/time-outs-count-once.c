/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F6, PROMISE-R5: wait_timeout_ms bounds the whole of a wait, also if
 * a resize makes it begin in one segment and go on in another.
 */
#include <pthread.h>

#include "../resize/resizing.h"
#include "policy.h"

#define HELD_MS 100
#define TIMEOUT_MS 3000

struct pair {
	uint32_t left; /* how many have their answer */
};

/* Goes on until the other one has given up. */
static int outlast(struct sfshm_flight *f, void *arg)
{
	struct pair *pair = arg;

	demand(eventually(load_acquire(&pair->left)));
	return sfshm_publish(f, "value", 5);
}

static void *ask_and_tell(void *arg)
{
	struct pair *pair = arg;
	struct sfshm_result own = SFSHM_RESULT_INIT;
	int r = sfshm_do(h, "key", 3, POLICY(.wait_timeout_ms = TIMEOUT_MS),
			 outlast, pair, &own);

	if (r == -ETIMEDOUT)
		fetch_add_acq_rel(&pair->left, 1);
	sfshm_result_clear(&own);
	return (void *)(intptr_t)r;
}

static void from_one_segment_to_the_next(void **state)
{
	struct agent *leader = agent_start();
	struct resizing *z = resizing_make(200);
	struct pair pair = { 0 };
	uint64_t both_wait_ms;
	pthread_t threads[2];
	void *answers[2];
	int pid;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	pid = resizing_start(z);
	resizing_await(200);
	sleeps_note();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, ask_and_tell, &pair);
	assert_true(eventually(resizing_waiters("key") == 2));
	/* Both have begun to wait: no sleep is to end later than this. */
	both_wait_ms = now_ms() + 1;
	assert_true(eventually(now_ms() > both_wait_ms + HELD_MS));
	/* One of the two leads in the new segment, the other waits there. */
	agent_kill(leader);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], &answers[i]), 0);
	assert_int_equal((intptr_t)answers[0] + (intptr_t)answers[1],
			 SFSHM_COMPUTED - ETIMEDOUT);
	assert_true(sleeps.until_ns <=
		    (both_wait_ms + TIMEOUT_MS) * UINT64_C(1000000));
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(from_one_segment_to_the_next),
	};

	return test_main(tests);
}
