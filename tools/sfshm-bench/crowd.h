/* SPDX-License-Identifier: MIT */
/*
 * A crowd of processes that carry out commands, all at once. Commands and
 * answers go over eventfds, so that only the measured code sleeps on futexes.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CROWD_MAX 64

/* One member's own cache line, which it writes and the parent reads. */
struct crowd_member {
	uint64_t at; /* when it had done the command, or another figure */
	uint64_t cpu_ns;
	uint64_t reserved[6];
};

struct crowd_page {
	uint32_t done;  /* how many members have carried out the command */
	uint32_t ready; /* how many members are about to sleep */
	uint32_t command;
	uint32_t pad;
	uint64_t arg;
	uint64_t reserved[5];
	struct crowd_member member[CROWD_MAX];
};

struct crowd {
	unsigned int count;
	struct crowd_page *page;
	pid_t pid[CROWD_MAX];
	int go[CROWD_MAX]; /* eventfds: there is a command */
	int over;          /* eventfd: all have done it */
};

/* Carries out a command in a member. */
typedef void (*crowd_fn)(struct crowd_page *page, unsigned int me,
			 uint32_t command);

void crowd_start(struct crowd *c, unsigned int count, crowd_fn fn);
void crowd_command(struct crowd *c, uint32_t command, uint64_t arg);

/* Waits until all members have carried out the command. Exits if one died. */
void crowd_wait(struct crowd *c);

/* Called by a member that is about to sleep in the measured code. */
void crowd_ready(struct crowd_page *page);

/* Waits until all members are ready, and sleep. */
void crowd_wait_asleep(struct crowd *c);

/* The latest of the members' times. */
uint64_t crowd_last(const struct crowd *c);

void crowd_end(struct crowd *c);

/* Waits until all threads of the process are in an interruptible sleep. */
void process_wait_asleep(pid_t pid);

void futex_wait(uint32_t *word, uint32_t value);

/* Waits on `word` and on two words that stay 0, as a follower here does. */
void futex_wait_three(uint32_t *word, uint32_t value);
void futex_wake_all(uint32_t *word);
uint32_t word_read(const uint32_t *word);
uint32_t word_add(uint32_t *word, uint32_t n);
void word_write(uint32_t *word, uint32_t value);

#endif
