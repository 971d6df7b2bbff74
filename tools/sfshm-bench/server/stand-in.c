/* SPDX-License-Identifier: MIT */
/*
 * Stands in for the library under the example server. A call asks the store. If
 * that has no value, the call locks the key, asks again, runs the work, stores
 * the value and unlocks. If another worker has the lock, the call asks again
 * every millisecond. Preforked workers use a cache server in this way, but most
 * of them ask less often: see docs/benchmarks.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sfshm.h>

#include "backend.h"

#define POLL_NS 1000000
#define VALUE_MAX 4096
#define KEY_ROOM 80

struct run {
	const char *key;
	uint32_t ttl_ms;
	struct sfshm_buf *value;
};

_Noreturn void backend_die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

int sfshm_open(struct sfshm **out, const char *name,
	       const struct sfshm_options *options)
{
	static char handle;

	(void)name;
	(void)options;
	backend_open(getenv("SFSHM_BENCH_AT"));
	*out = (void *)&handle;
	return 0;
}

int sfshm_open_fd(struct sfshm **out, int fd,
		  const struct sfshm_options *options)
{
	(void)fd;
	return sfshm_open(out, NULL, options);
}

int sfshm_memfd(const char *label, const struct sfshm_options *options)
{
	(void)label;
	(void)options;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int sfshm_close(struct sfshm *handle)
{
	(void)handle;
	return 0;
}

const char *sfshm_strerror(int error)
{
	return strerror(-error);
}

uint64_t sfshm_deadline_ms(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec +
	       ms * 1000000;
}

void sfshm_result_clear(struct sfshm_result *result)
{
	free(result->value.data);
	result->value = (struct sfshm_buf){ 0 };
}

int sfshm_publish(struct sfshm_flight *flight, const void *data, size_t len)
{
	struct run run;

	memcpy(&run, flight, sizeof(run));
	backend_put(run.key, data, len, run.ttl_ms);
	memcpy(run.value->data, data, len);
	run.value->len = len;
	return 0;
}

int sfshm_fail(struct sfshm_flight *flight, int code, const char *message)
{
	(void)flight;
	(void)message;
	return code;
}

static bool cached(const char *key, struct sfshm_result *result)
{
	long len = backend_get(key, result->value.data, VALUE_MAX);

	result->source = SFSHM_CACHED;
	if (len >= 0)
		result->value.len = (size_t)len;
	return len >= 0;
}

int sfshm_do(struct sfshm *handle, const void *key, size_t key_len,
	     const struct sfshm_policy *policy, sfshm_work_fn work, void *arg,
	     struct sfshm_result *result)
{
	static const struct timespec pause = { .tv_nsec = POLL_NS };
	struct run run = { .ttl_ms = policy->ttl_ms };
	struct sfshm_flight flight;
	char name[KEY_ROOM];
	int r = SFSHM_CACHED;

	(void)handle;
	snprintf(name, sizeof(name), "%.*s", (int)key_len, (const char *)key);
	if (!result->value.data)
		result->value.data = malloc(VALUE_MAX);
	if (!result->value.data)
		return -ENOMEM;
	run.key = name;
	run.value = &result->value;
	memcpy(&flight, &run, sizeof(run));
	while (!cached(name, result)) {
		if (!backend_lock(name)) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (!cached(name, result)) {
			r = work(&flight, arg);
			result->source = SFSHM_COMPUTED;
		}
		backend_unlock(name);
		break;
	}
	return r;
}
