/* SPDX-License-Identifier: MIT */
/*
 * The victim: a process that goes through an operation one instruction at a
 * time. A system call is one step.
 */
#ifndef CRASH_VICTIM_H
#define CRASH_VICTIM_H

#include "stage.h"

struct victim {
	pid_t pid;
	struct stage *st;
	void *robust; /* the head of its robust list, in its memory */
	bool asleep;  /* its step has not ended: it sleeps in the kernel */
};

typedef void (*act_fn)(struct stage *st);

enum step {
	STEP_DONE,
	STEP_ASLEEP, /* in a system call that does not end by itself */
	STEP_OVER,   /* the operation is over */
	STEP_GONE,   /* the process is gone */
};

/*
 * Forks a process that does `prepare`, and stands before `operate` when this
 * returns. False: it did not get there.
 */
bool victim_start(struct victim *v, struct stage *st, act_fn prepare,
		  act_fn operate);

/* Brings it to the operation's first instruction. */
bool victim_enter(struct victim *v);

/* One instruction. If it sleeps, call again once it has reason to go on. */
enum step victim_step(struct victim *v);

/* Whether its next instruction is a system call, where that can be told. */
bool victim_at_syscall(const struct victim *v);

/* Lets it run until it stops itself. */
bool victim_go_on(struct victim *v);

void victim_kill(struct victim *v);

/*
 * Its thread ends without libc's knowledge, and the others of its process live
 * on. Does nothing but on x86-64.
 */
void victim_end_thread(struct victim *v);

/* Waits until its process has no more than so many threads. */
void victim_await_threads(const struct victim *v, int most);

/* Reads its memory; false if there is none there. */
bool victim_read(const struct victim *v, void *at, void *to, size_t len);

/* Where it has the file at `path` mapped, or 0. */
uint64_t victim_mapping(const struct victim *v, const char *path);

#endif
