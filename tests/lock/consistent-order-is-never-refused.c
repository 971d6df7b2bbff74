/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L3: callers that take their locks in one order never get -EDEADLK,
 * however hard they contend and however often they give up.
 */
#include <sched.h>

#include <sfshm/lock.h>

#include "crowd.h"
#include "os/hash.h"
#include "watch.h"

#define MEMBERS 8
#define LOCKS 5
#define TURNS (1500 / SLOWNESS)

/* Takes up to three, in order; some with little patience. */
static void take_some(struct sfshm *h, bool fresh_keys)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock held[LOCKS];
	uint64_t draw = hash_draw();
	int n = 0;

	for (uint32_t i = 0; i < LOCKS; i++) {
		/* Keys that come and go have slots that look like others. */
		uint32_t key = i * 4 + (fresh_keys ? draw >> 40 & 3 : 0);
		int r;

		if (!(draw >> i & 1))
			continue;
		o.wait_timeout_ms = draw >> (i + 8) & 1;
		r = sfshm_lock(h, &key, sizeof(key), &o, &held[n]);
		demand(r == 0 || (r == -ETIMEDOUT && o.wait_timeout_ms));
		n += r == 0;
	}
	/* While others come to wait. */
	sched_yield();
	while (n)
		demand(sfshm_unlock(&held[--n]) == 0);
}

static void contend(int member, void *arg)
{
	struct sfshm *h = arg ? arg : segment_open(NULL);

	for (int i = 0; i < TURNS; i++)
		take_some(h, member & 1);
	if (!arg)
		demand(sfshm_close(h) == 0);
}

static void among_threads(void **state)
{
	struct sfshm *h = segment_open(NULL);

	(void)state;
	crowd_run(THREADS, MEMBERS, contend, h);
	assert_int_equal(watch_counter("deadlocks"), 0);
	assert_int_not_equal(watch_counter("waits"), 0);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void among_processes(void **state)
{
	(void)state;
	crowd_run(PROCESSES, MEMBERS, contend, NULL);
	assert_int_equal(watch_counter("deadlocks"), 0);
	assert_int_not_equal(watch_counter("waits"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(among_threads),
		in_segment(among_processes),
	};

	return test_main(tests);
}
