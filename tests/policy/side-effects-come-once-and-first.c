/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R6: the work has its side effects once per flight, before any caller
 * sees the result, even if processes of the crowd die.
 */
#include <signal.h>

#include "crowd.h"
#include "policy.h"

#define CROWD 8
#define FLIGHTS (150 / SLOWNESS)

struct world {
	uint32_t done[FLIGHTS]; /* how often each flight's work was finished */
	uint32_t last;          /* the flight that was */
	uint32_t left;          /* members that ask no more */
};

static int change_the_world(struct sfshm_flight *f, void *arg)
{
	struct world *world = arg;
	uint32_t n = load_relaxed(&world->last);

	demand(n < FLIGHTS);
	fetch_add_relaxed(&world->done[n], 1);
	/* All others come, and wait. */
	demand(eventually(sfshm_flight_waiters(f) +
				  load_acquire(&world->left) >=
			  CROWD - 1));
	store_relaxed(&world->last, n + 1);
	return sfshm_publish(f, &n, sizeof(n));
}

static void ask_again_and_again(int member, void *arg)
{
	struct sfshm_result own = SFSHM_RESULT_INIT;
	struct sfshm *mine = segment_open(NULL);
	struct world *world = arg;
	uint32_t n = 0;

	(void)member;
	while (n < FLIGHTS - CROWD - 1) {
		demand(sfshm_do(mine, "key", 3, NULL, change_the_world, world,
				&own) >= 0);
		memcpy(&n, own.value.data, sizeof(n));
		demand(load_relaxed(&world->done[n]) == 1);
		demand(load_relaxed(&world->last) > n);
	}
	fetch_add_acq_rel(&world->left, 1);
}

static void in_a_crowd(void **state)
{
	struct world *world = shared_memory(sizeof(*world));

	(void)state;
	crowd_run(PROCESSES, CROWD, ask_again_and_again, world);
	for (uint32_t i = 0; i < world->last; i++)
		assert_int_equal(world->done[i], 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { in_segment(in_a_crowd) };

	return test_main(tests);
}
