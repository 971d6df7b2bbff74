/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct sfshm *segment;
static char name[64];

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void bench_die(const char *what, int error)
{
	fprintf(stderr, "sfshm-bench: %s: %s\n", what, sfshm_strerror(error));
	bench_segment_close();
	exit(1);
}

struct sfshm *bench_segment(const struct sfshm_options *o)
{
	struct sfshm_options made = *o;
	int r;

	made.size = sizeof(made);
	made.flags |= SFSHM_CREATE | SFSHM_EXCLUSIVE;
	snprintf(name, sizeof(name), "bench.%d", (int)getpid());
	r = sfshm_open(&segment, name, &made);
	if (r)
		bench_die("cannot make a segment", r);
	return segment;
}

const char *bench_segment_name(void)
{
	return name;
}

void bench_segment_close(void)
{
	if (!segment)
		return;
	sfshm_close(segment);
	segment = NULL;
	if (sfshm_unlink(name))
		fprintf(stderr, "sfshm-bench: segment %s stays behind\n", name);
}

void bench_key(char *key, uint64_t number)
{
	char text[BENCH_KEY + 1];

	snprintf(text, sizeof(text), "key %020llu", (unsigned long long)number);
	memcpy(key, text, BENCH_KEY);
}

uint32_t *bench_numbers(uint64_t n, uint64_t most)
{
	uint32_t *numbers = malloc(n * sizeof(*numbers));
	uint64_t x = UINT64_C(0x9e3779b97f4a7c15);

	if (!numbers)
		bench_die("numbers", -ENOMEM);
	for (uint64_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		numbers[i] = (uint32_t)(x % most);
	}
	return numbers;
}

void bench_fill(struct sfshm *h, uint64_t count)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char key[BENCH_KEY], value[BENCH_VALUE] = "value";
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	for (uint64_t i = 0; i < count; i++) {
		bench_key(key, i);
		r = sfshm_begin(h, key, sizeof(key), &policy, &flight, &result);
		if (r == SFSHM_LEADER)
			r = sfshm_publish(&flight, value, sizeof(value));
		if (r < 0)
			bench_die("cannot fill the segment", r);
	}
	sfshm_result_clear(&result);
}
