/* SPDX-License-Identifier: MIT */
/* Flights that no other caller waits for: the cost of leading. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "bench.h"
#include "singleflight.h"

static struct sfshm *segment;
static pthread_mutex_t *mutex;
static char keys[BENCH_KEY];

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	(void)b;
	bench_key(keys, 1);
	segment = bench_segment(&o);
	return NULL;
}

static const char *prepare_mutex(const struct bench *b)
{
	pthread_mutexattr_t attr;

	mutex = bench_share(4096);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return prepare(b);
}

static uint64_t lead(uint64_t n, bool publish, uint32_t flags)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = flags,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char value[BENCH_VALUE] = "value";
	uint64_t start = bench_now(), took;

	for (uint64_t i = 0; i < n; i++) {
		int r = sfshm_begin(segment, keys, BENCH_KEY, &policy, &flight,
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
	return lead(n, true, 0);
}

static uint64_t detached_publish(const struct bench *b, uint64_t n)
{
	(void)b;
	return lead(n, true, SFSHM_DETACHED);
}

static uint64_t ours_release(const struct bench *b, uint64_t n)
{
	(void)b;
	return lead(n, false, 0);
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

/*
 * The least work that a claim by key needs: hash the key, look it up and
 * compare it, take the word that the look-up finds by a compare-and-swap, and
 * give the word back by another.
 */
static struct {
	_Alignas(64) _Atomic uint32_t bucket[64];
	_Alignas(64) struct {
		_Atomic uint64_t word;
		char key[BENCH_KEY];
	} slot[64];
} bare;

static uint64_t bare_claim(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	for (int i = 0; i < 64; i++)
		memcpy(bare.slot[i].key, keys, BENCH_KEY);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t h = XXH3_64bits_withSeed(keys, BENCH_KEY, 42);
		uint32_t at = atomic_load_explicit(&bare.bucket[h % 64],
						   memory_order_acquire);
		uint64_t rest = atomic_load_explicit(&bare.slot[at].word,
						     memory_order_acquire);
		uint64_t mine = rest + 0x10001;

		if (memcmp(bare.slot[at].key, keys, BENCH_KEY) ||
		    !atomic_compare_exchange_strong(&bare.slot[at].word, &rest,
						    mine) ||
		    !atomic_compare_exchange_strong(&bare.slot[at].word, &mine,
						    rest + 0x10000))
			bench_die("a bare claim failed", -EIO);
		bench_use(&bare);
	}
	return bench_now() - start;
}

static const char *prepare_go(const struct bench *b)
{
	const char *why = singleflight_start();

	return why ? why : prepare(b);
}

static uint64_t go(const struct bench *b, uint64_t n)
{
	(void)b;
	return singleflight_run(n);
}

static void clean_up(const struct bench *b)
{
	(void)b;
	if (mutex)
		munmap(mutex, 4096);
	mutex = NULL;
	singleflight_stop();
	bench_segment_close();
}

const struct bench flight_benches[] = {
	{
		.name = "flight",
		.peer = "Go singleflight.Do",
		.what = "begin and publish 64 bytes, uncontended",
		.target = 0.6,
		.batch = 200000,
		.prepare = prepare_go,
		.ours = ours_publish,
		.theirs = go,
		.clean_up = clean_up,
	},
	{
		.name = "flight-mutex",
		.peer = "robust process-shared mutex",
		.what = "begin and publish 64 bytes, against lock and unlock",
		.batch = 200000,
		.prepare = prepare_mutex,
		.ours = ours_publish,
		.theirs = robust_mutex,
		.clean_up = clean_up,
	},
	{
		.name = "flight-detached",
		.peer = "the same, owned by its thread",
		.what = "begin and publish 64 bytes, of the process",
		.target = 1.3,
		.batch = 200000,
		.prepare = prepare,
		.ours = detached_publish,
		.theirs = ours_publish,
		.clean_up = clean_up,
	},
	{
		.name = "claim",
		.peer = "robust process-shared mutex",
		.what = "begin and release, against lock and unlock",
		.target = 1.5,
		.batch = 200000,
		.prepare = prepare_mutex,
		.ours = ours_release,
		.theirs = robust_mutex,
		.clean_up = clean_up,
	},
	{
		.name = "claim-limit",
		.peer = "hash, look-up, two compare-and-swaps",
		.what = "begin and release, against the least it is made of",
		.batch = 200000,
		.prepare = prepare,
		.ours = ours_release,
		.theirs = bare_claim,
		.clean_up = clean_up,
	},
	{ 0 },
};
