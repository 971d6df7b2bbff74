/* SPDX-License-Identifier: MIT */
/*
 * A benchmark measures ours and a peer's way of doing the same thing, in
 * turns, in one process: whatever else the machine does meets both.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <sfshm.h>

struct bench {
	const char *name;
	const char *peer;
	const char *what; /* one operation, for people */
	double target;    /* of the ratio ours/peer; 0: none is set */
	uint64_t size;    /* the case's own parameter */
	uint64_t batch;   /* operations per measurement */
	int (*prepare)(const struct bench *b); /* 0, or 77: cannot run here */
	uint64_t (*ours)(const struct bench *b, uint64_t n); /* ns in all */
	uint64_t (*theirs)(const struct bench *b, uint64_t n);
	void (*clean_up)(const struct bench *b);
};

/* All cases, ended by one without a name. */
extern const struct bench hit_benches[], flight_benches[], attach_benches[];

uint64_t bench_now(void); /* CLOCK_MONOTONIC, ns */

/* A segment of the benchmark's own, removed at exit. Exits on failure. */
struct sfshm *bench_segment(const struct sfshm_options *o);
void bench_segment_close(void);
const char *bench_segment_name(void);

/* Ends the program with one line. */
void bench_die(const char *what, int error) __attribute__((noreturn));

/* 24-byte keys by number, and a value of 64 bytes. */
#define BENCH_KEY 24
#define BENCH_VALUE 64
void bench_key(char *key, uint64_t number);

/* `n` numbers below `most`, the same at each run; free() them. */
uint32_t *bench_numbers(uint64_t n, uint64_t most);

/* Publishes `count` keys with a value that stays. */
void bench_fill(struct sfshm *h, uint64_t count);

/* Keeps a result from being optimised away. */
static inline void bench_use(const void *p)
{
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

#endif
