/* SPDX-License-Identifier: MIT */
/*
 * A herd: 64 processes want the same 1000 cold keys, each in an order of its
 * own, and each key takes a millisecond of work. The work is processor time, so
 * no herd can be faster than 1000 uncoordinated runs, shared out over the
 * cores. These runs are the peer of the case "herd".
 *
 * The peer on files does what programs usually do: it looks for the key's file;
 * if there is none, it locks a second file with flock(2), looks again, and
 * makes the key's file if that is still missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "crowd.h"

#define HERD 64
#define KEYS 1000
#define WORK_NS 1000000

enum { ATTACH, RIDE, LOCK, ALONE };

static struct crowd crowd;
static struct sfshm *segment, *attached;
static char folder[64];
static struct {
	uint32_t runs;
	uint32_t taken;
	uint32_t cores;
} * shared;

static uint64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void work(void)
{
	uint64_t end = cpu_now() + WORK_NS;

	while (cpu_now() < end)
		;
	word_add(&shared->runs, 1);
}

static int work_and_publish(struct sfshm_flight *flight, void *arg)
{
	char value[BENCH_VALUE] = "value";

	(void)arg;
	work();
	return sfshm_publish(flight, value, sizeof(value));
}

static void ride(uint64_t round, uint64_t i)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	char key[BENCH_KEY];
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	bench_key(key, round * KEYS + i);
	r = sfshm_do(attached, key, sizeof(key), &policy, work_and_publish,
		     NULL, &result);
	if (r < 0)
		bench_die("sfshm_do failed", r);
}

static bool have(const char *path)
{
	char value[BENCH_VALUE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, value, sizeof(value));

	if (fd >= 0)
		close(fd);
	return n == sizeof(value);
}

static void make(const char *path)
{
	char value[BENCH_VALUE] = "value", temporary[128];
	int fd;

	work();
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, value, sizeof(value)) != sizeof(value) ||
	    close(fd) || rename(temporary, path))
		bench_die(path, -errno);
}

static void lock(uint64_t round, uint64_t i)
{
	char path[96], lock_path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%u.%u", folder, (unsigned int)round,
		 (unsigned int)i);
	if (have(path))
		return;
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX))
		bench_die(lock_path, -errno);
	if (!have(path))
		make(path);
	close(fd);
}

/* Each member goes through the keys in another order. */
static void shuffle(uint16_t *order, unsigned int me)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15) * (me + 1);

	for (uint16_t i = 0; i < KEYS; i++) {
		uint16_t j;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		j = (uint16_t)(x % (i + 1U));
		order[i] = i;
		order[i] = order[j];
		order[j] = i;
	}
}

static void attach(void)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = sfshm_open(&attached, bench_segment_name(), NULL);

	if (!r && sfshm_get(attached, "-", 1, &result) != -ENODATA)
		r = -EPROTO;
	if (r)
		bench_die("a member of the herd cannot attach", r);
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	uint16_t order[KEYS];
	uint64_t start;

	if (command == ATTACH) {
		attach();
		return;
	}
	shuffle(order, me);
	start = cpu_now();
	for (int i = 0; i < KEYS; i++) {
		if (command == RIDE)
			ride(page->arg, order[i]);
		else if (command == LOCK)
			lock(page->arg, order[i]);
		else if (me < shared->cores &&
			 word_add(&shared->taken, 1) <= KEYS)
			work();
	}
	page->member[me].cpu_ns = cpu_now() - start;
	page->member[me].at = bench_now();
}

/* Returns the wall time; *beyond is processor time beyond the work's. */
static uint64_t stampede(uint32_t how, uint64_t *beyond)
{
	static uint64_t round;
	uint64_t start;

	shared->runs = 0;
	shared->taken = 0;
	start = bench_now();
	crowd_command(&crowd, how, ++round);
	crowd_wait(&crowd);
	if (shared->runs != KEYS) {
		fprintf(stderr, "sfshm-bench: %u runs for %d keys\n",
			shared->runs, KEYS);
		bench_die("some key did not run exactly once", -EPROTO);
	}
	*beyond = 0;
	for (unsigned int i = 0; i < crowd.count; i++)
		*beyond += crowd.page->member[i].cpu_ns;
	*beyond -= *beyond > (uint64_t)KEYS * WORK_NS ?
			   (uint64_t)KEYS * WORK_NS :
			   *beyond;
	/* The next round's keys must find room without evicting. */
	if (how == RIDE && sfshm_purge(segment) < 0)
		bench_die("purge", -EPROTO);
	return crowd_last(&crowd) - start;
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 16384 };

	(void)b;
	bench_folder(folder, sizeof(folder));
	shared = bench_share(4096);
	shared->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	segment = bench_segment(&o);
	crowd_start(&crowd, HERD, member);
	crowd_command(&crowd, ATTACH, 0);
	crowd_wait(&crowd);
	return NULL;
}

static uint64_t ours_wall(const struct bench *b, uint64_t n)
{
	uint64_t beyond;

	(void)b;
	(void)n;
	return stampede(RIDE, &beyond);
}

static uint64_t ideal_wall(const struct bench *b, uint64_t n)
{
	uint64_t beyond;

	(void)b;
	(void)n;
	return stampede(ALONE, &beyond);
}

static uint64_t flock_wall(const struct bench *b, uint64_t n)
{
	uint64_t beyond;

	(void)b;
	(void)n;
	return stampede(LOCK, &beyond);
}

static uint64_t ours_cpu(const struct bench *b, uint64_t n)
{
	uint64_t beyond;

	(void)b;
	(void)n;
	stampede(RIDE, &beyond);
	return beyond;
}

static uint64_t flock_cpu(const struct bench *b, uint64_t n)
{
	uint64_t beyond;

	(void)b;
	(void)n;
	stampede(LOCK, &beyond);
	return beyond;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	crowd_end(&crowd);
	munmap(shared, 4096);
	bench_folder_remove(folder);
	bench_segment_close();
}

#define HERD_CASE(title, other, text, most, we, they)                  \
	{                                                              \
		.name = (title), .peer = (other), .what = (text),      \
		.target = (most), .batch = 1, .turns = 1, .rounds = 5, \
		.prepare = prepare, .ours = (we), .theirs = (they),    \
		.clean_up = clean_up,                                  \
	}

const struct bench herd_benches[] = {
	HERD_CASE("herd", "1000 runs over the cores",
		  "64 processes want 1000 cold keys: wall time", 1.1, ours_wall,
		  ideal_wall),
	HERD_CASE("herd-wall", "flock(2) and files",
		  "64 processes want 1000 cold keys: wall time", 0, ours_wall,
		  flock_wall),
	HERD_CASE("herd-cpu", "flock(2) and files",
		  "64 processes want 1000 cold keys: CPU time beyond the work",
		  0.3, ours_cpu, flock_cpu),
	{ 0 },
};
