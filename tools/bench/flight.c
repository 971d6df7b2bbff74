/* SPDX-License-Identifier: MIT */
/* Flights without company: what being the leader costs. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

static struct sfshm *segment;
static pthread_mutex_t *mutex;

static int prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };
	pthread_mutexattr_t attr;

	(void)b;
	segment = bench_segment(&o);
	mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mutex == MAP_FAILED)
		bench_die("mutex", -ENOMEM);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

static uint64_t lead(uint64_t n, bool publish)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char value[BENCH_VALUE] = "value";
	uint64_t start = bench_now(), took;

	for (uint64_t i = 0; i < n; i++) {
		int r = sfshm_begin(segment, "warm", 4, &policy, &flight,
				    &result);

		if (r == SFSHM_LEADER)
			r = publish ? sfshm_publish(&flight, value,
						    sizeof(value)) :
				      sfshm_release(&flight);
		if (r)
			bench_die("a flight failed", r);
	}
	took = bench_now() - start;
	sfshm_result_clear(&result);
	return took;
}

static uint64_t ours_publish(const struct bench *b, uint64_t n)
{
	(void)b;
	return lead(n, true);
}

static uint64_t ours_release(const struct bench *b, uint64_t n)
{
	(void)b;
	return lead(n, false);
}

static uint64_t robust_mutex(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		pthread_mutex_lock(mutex);
		pthread_mutex_unlock(mutex);
	}
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	munmap(mutex, 4096);
	bench_segment_close();
}

const struct bench flight_benches[] = {
	{
		.name = "claim",
		.peer = "robust process-shared mutex",
		.what = "begin and release, against lock and unlock",
		.target = 1.5,
		.batch = 200000,
		.prepare = prepare,
		.ours = ours_release,
		.theirs = robust_mutex,
		.clean_up = clean_up,
	},
	{
		.name = "flight-mutex",
		.peer = "robust process-shared mutex",
		.what = "begin and publish 64 bytes, against lock and unlock",
		.batch = 200000,
		.prepare = prepare,
		.ours = ours_publish,
		.theirs = robust_mutex,
		.clean_up = clean_up,
	},
	{ 0 },
};
