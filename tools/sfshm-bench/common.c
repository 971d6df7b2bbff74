/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define KEYS_LEAST 200000 /* least length of the list of keys */

static struct sfshm *segment;
static char name[64];
static char *folders[4];
static pid_t maker;

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Forked processes must leave alone what their parent has made. */
static void leave_nothing(void)
{
	if (getpid() != maker)
		return;
	bench_segment_close();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (folders[i])
			bench_folder_remove(folders[i]);
}

static void leave_nothing_at_exit(void)
{
	if (!maker)
		atexit(leave_nothing);
	maker = getpid();
}

void bench_die(const char *what, int error)
{
	fprintf(stderr, "sfshm-bench: %s: %s\n", what, sfshm_strerror(error));
	exit(1);
}

struct sfshm *bench_segment(const struct sfshm_options *o)
{
	struct sfshm_options made = *o;
	int r;

	leave_nothing_at_exit();
	made.size = sizeof(made);
	made.flags |= SFSHM_CREATE | SFSHM_EXCLUSIVE;
	snprintf(name, sizeof(name), "bench.%d", (int)getpid());
	r = sfshm_open(&segment, name, &made);
	if (r) {
		*name = '\0';
		bench_die("cannot make a segment", r);
	}
	return segment;
}

const char *bench_segment_name(void)
{
	return name;
}

void bench_segment_let_go(void)
{
	sfshm_close(segment);
	segment = NULL;
}

void bench_segment_close(void)
{
	if (segment)
		bench_segment_let_go();
	if (*name && sfshm_unlink(name))
		fprintf(stderr, "sfshm-bench: segment %s stays behind\n", name);
	*name = '\0';
}

void bench_key_of(char *key, uint64_t bytes, uint64_t number)
{
	char text[BENCH_KEY_LONG + 1];

	snprintf(text, sizeof(text), "key %0*llu", (int)bytes - 4,
		 (unsigned long long)number);
	memcpy(key, text, bytes);
}

void bench_key(char *key, uint64_t number)
{
	bench_key_of(key, BENCH_KEY, number);
}

void bench_keys_make(struct bench_keys *keys, uint64_t bytes, uint64_t most)
{
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t count = most < 2 ? 1 : most > KEYS_LEAST ? most : KEYS_LEAST;

	keys->bytes = bytes;
	keys->at = malloc(count * bytes);
	if (!keys->at)
		bench_die("no memory for the keys", -ENOMEM);
	keys->end = keys->at + count * bytes;
	for (char *key = keys->at; key != keys->end; key += bytes) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bench_key_of(key, bytes, x % most);
	}
	/* The sides start apart: neither warms the caches for the other. */
	keys->next[0] = keys->at;
	keys->next[1] = keys->at + count / 2 * bytes;
}

void bench_keys_free(struct bench_keys *keys)
{
	free(keys->at);
	keys->at = NULL;
}

void bench_fill(struct sfshm *h, uint64_t count, uint64_t key_bytes,
		uint64_t value_bytes)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char key[BENCH_KEY_LONG], *value = calloc(1, value_bytes);
	int r;

	if (!value)
		bench_die("no memory for a value", -ENOMEM);
	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_KEEP;
	for (uint64_t i = 0; i < count; i++) {
		bench_key_of(key, key_bytes, i);
		r = sfshm_begin(h, key, key_bytes, &policy, &flight, &result);
		if (r == SFSHM_LEADER)
			r = sfshm_publish(&flight, value, value_bytes);
		if (r < 0)
			bench_die("cannot fill the segment", r);
	}
	sfshm_result_clear(&result);
	free(value);
}

uint64_t bench_hits(struct sfshm *h, struct bench_keys *keys, int side,
		    uint64_t n)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < n; i++)
		if (sfshm_get(h, bench_next(keys, side), keys->bytes, &result))
			bench_die("a hit missed", -ENODATA);
	return bench_now() - start;
}

void *bench_share(uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		bench_die("cannot map shared memory", -errno);
	return at;
}

void bench_folder(char *path, uint64_t size)
{
	size_t i = 0;

	leave_nothing_at_exit();
	snprintf(path, size, "/dev/shm/sfshm-bench.XXXXXX");
	while (folders[i])
		if (++i == sizeof(folders) / sizeof(folders[0]))
			bench_die("too many folders", -EMFILE);
	if (!mkdtemp(path))
		bench_die("cannot make a folder in /dev/shm", -errno);
	folders[i] = strdup(path);
}

void bench_folder_remove(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	if (rmdir(path))
		fprintf(stderr, "sfshm-bench: %s stays behind\n", path);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (!folders[i] || strcmp(folders[i], path))
			continue;
		free(folders[i]);
		folders[i] = NULL;
		break;
	}
}

bool bench_beside(char *path, uint64_t size, const char *program)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	snprintf(slash + 1, size - (uint64_t)(slash + 1 - path), "%s", program);
	return !access(path, X_OK);
}
