/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R11: a segment keeps how long runs of the work and waits took. The
 * times outlive the threads.
 */
#include <sfshm/lock.h>
#include <sfshm/put.h>
#include <sfshm/semaphore.h>

#include "agent.h"
#include "policy/policy.h"
#include "watch.h"

/* 2^34 ns is 17179.9 ms: such a time is above the bound of bucket 17. */
#define WORK_MS 17200
#define WORK_BUCKET 18
#define NS UINT64_C(1000000)

enum { WORK, WAIT };

static struct sfshm_histogram_info times(uint32_t which)
{
	struct sfshm_histogram_info info = { .size = sizeof(info) };
	const char *name, *help;
	struct sfshm_view *view;
	uint64_t sum = 0;

	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_histogram(view, which, &name, &help, &info),
			 0);
	assert_string_equal(name, which == WORK ? "work" : "wait");
	sfshm_view_close(view);
	for (int i = 0; i < SFSHM_HISTOGRAM_BUCKETS; i++)
		sum += info.bucket[i];
	assert_int_equal(info.count, sum);
	return info;
}

static void assert_works(uint64_t long_ones, uint64_t all)
{
	struct sfshm_histogram_info work = times(WORK);

	assert_int_equal(work.bucket[WORK_BUCKET], long_ones);
	assert_int_equal(work.count, all);
	assert_true(work.sum_ns >= long_ones * WORK_MS * NS);
	assert_true(work.sum_ns < (long_ones * WORK_MS + PATIENCE_MS) * NS);
}

static void runs_that_make_a_result_count(void **state)
{
	(void)state;
	assert_int_equal(times(WORK).least_ns, 1 << 17);
	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	clock_advance(WORK_MS);
	assert_works(0, 0);
	assert_int_equal(publish("v"), 0);
	assert_works(1, 1);
	/* A hit runs no work. */
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	clock_advance(WORK_MS);
	assert_int_equal(sfshm_fail(&flight, -EIO, "no"), 0);
	assert_works(2, 2);
	/* A released flight and a put have no time. */
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	clock_advance(WORK_MS);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(sfshm_put(h, "put", 3, NULL, "v", 1), 0);
	assert_works(2, 2);
	assert_int_equal(times(WAIT).count, 0);
}

static void counts_outlive_the_thread(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin other");
	agent_expect(a, "ok", "publish value");
	agent_kill(a);
	assert_works(0, 1);
	/* Another thread takes the record over. */
	a = agent_start();
	agent_expect(a, "leader", "begin third");
	agent_expect(a, "ok", "publish value");
	assert_works(0, 2);
}

static int lock_for_20_ms(void)
{
	const struct sfshm_lock_options o = {
		.size = sizeof(o),
		.wait_timeout_ms = 20,
	};
	struct sfshm_lock lock = SFSHM_LOCK_INIT;

	return sfshm_lock(h, "A", 1, &o, &lock);
}

static int acquire_for_20_ms(void)
{
	const struct sfshm_semaphore_options o = {
		.size = sizeof(o),
		.max = 1,
		.wait_timeout_ms = 20,
	};
	struct sfshm_permit permit = SFSHM_PERMIT_INIT;
	int r = sfshm_acquire(h, "S", 1, &o, &permit);

	return r ? r : sfshm_permit_release(&permit);
}

static void waits_count_however_they_end(void **state)
{
	struct agent *a = agent_start();
	struct sfshm_histogram_info wait;

	(void)state;
	agent_expect(a, "leader", "begin key");
	assert_int_equal(begin(POLICY(.wait_timeout_ms = 20)), -ETIMEDOUT);
	wait = times(WAIT);
	assert_int_equal(wait.count, 1);
	/* The coarse clock ticks every 10 ms at least. */
	assert_true(wait.sum_ns >= 10 * NS);
	assert_true(wait.sum_ns < PATIENCE_MS * NS);
	agent_expect(a, "ok", "release");

	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	agent_say(a, "begin key");
	await_waiters("key", 1);
	assert_int_equal(times(WAIT).count, 1);
	assert_int_equal(publish("value"), 0);
	agent_answers(a, "awaited value");
	assert_int_equal(times(WAIT).count, 2);

	agent_expect(a, "locked", "lock A");
	assert_int_equal(lock_for_20_ms(), -ETIMEDOUT);
	assert_int_equal(times(WAIT).count, 3);
	/* Nobody waits for a permit that is free. */
	assert_int_equal(acquire_for_20_ms(), 0);
	assert_int_equal(times(WAIT).count, 3);
	agent_expect(a, "ok", "acquire S max=1");
	assert_int_equal(acquire_for_20_ms(), -ETIMEDOUT);
	assert_int_equal(times(WAIT).count, 4);
}

static void wrong_arguments(void **state)
{
	struct sfshm_histogram_info info = { .size = sizeof(info) };
	const char *name, *help;
	struct sfshm_view *view;

	(void)state;
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_histogram(view, 2, &name, &help, &info),
			 -ERANGE);
	assert_int_equal(sfshm_view_histogram(NULL, 0, &name, &help, &info),
			 -EINVAL);
	assert_int_equal(sfshm_view_histogram(view, 0, NULL, &help, &info),
			 -EINVAL);
	info.size = 1;
	assert_int_equal(sfshm_view_histogram(view, 0, &name, &help, &info),
			 -EINVAL);
	sfshm_view_close(view);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(runs_that_make_a_result_count),
		in_policy(counts_outlive_the_thread),
		in_policy(waits_count_however_they_end),
		in_policy(wrong_arguments),
	};

	return test_main(tests);
}
