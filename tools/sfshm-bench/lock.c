/* SPDX-License-Identifier: MIT */
/* Uncontended keyed locks and semaphores, against the system's. */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

static struct sfshm *segment;
static char folder[64], key[BENCH_KEY];
static int file;
static sem_t *sem;

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	(void)b;
	bench_key(key, 1);
	segment = bench_segment(&o);
	return NULL;
}

static const char *prepare_flock(const struct bench *b)
{
	char path[80];

	bench_folder(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/lock", folder);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0)
		bench_die(path, -errno);
	return prepare(b);
}

static uint64_t ours_lock(const struct bench *b, uint64_t n)
{
	struct sfshm_lock lock;
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		int r = sfshm_lock(segment, key, sizeof(key), NULL, &lock);

		if (!r)
			r = sfshm_unlock(&lock);
		if (r)
			bench_die("a lock failed", r);
	}
	return bench_now() - start;
}

static uint64_t their_flock(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++)
		if (flock(file, LOCK_EX) || flock(file, LOCK_UN))
			bench_die("flock", -errno);
	return bench_now() - start;
}

static void clean_up_flock(const struct bench *b)
{
	(void)b;
	close(file);
	bench_folder_remove(folder);
	bench_segment_close();
}

static const char *prepare_semaphore(const struct bench *b)
{
	sem = bench_share(4096);
	if (sem_init(sem, 1, 5))
		bench_die("sem_init", -errno);
	return prepare(b);
}

static uint64_t ours_semaphore(const struct bench *b, uint64_t n)
{
	struct sfshm_permit permit;
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		int r = sfshm_acquire(segment, key, sizeof(key), NULL, &permit);

		if (!r)
			r = sfshm_permit_release(&permit);
		if (r)
			bench_die("a permit failed", r);
	}
	return bench_now() - start;
}

static uint64_t their_semaphore(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();

	(void)b;
	for (uint64_t i = 0; i < n; i++)
		if (sem_wait(sem) || sem_post(sem))
			bench_die("semaphore", -errno);
	return bench_now() - start;
}

static void clean_up_semaphore(const struct bench *b)
{
	(void)b;
	sem_destroy(sem);
	munmap(sem, 4096);
	bench_segment_close();
}

const struct bench lock_benches[] = {
	{
		.name = "lock",
		.peer = "flock(2)",
		.what = "keyed lock and unlock, uncontended",
		.target = 0.1,
		.batch = 200000,
		.prepare = prepare_flock,
		.ours = ours_lock,
		.theirs = their_flock,
		.clean_up = clean_up_flock,
	},
	{
		.name = "semaphore",
		.peer = "sem_wait(3), sem_post(3)",
		.what = "acquire and release, uncontended",
		.target = 3,
		.batch = 200000,
		.prepare = prepare_semaphore,
		.ours = ours_semaphore,
		.theirs = their_semaphore,
		.clean_up = clean_up_semaphore,
	},
	{ 0 },
};
