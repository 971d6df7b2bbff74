/* SPDX-License-Identifier: MIT */
/*
 * Causes of death by roles. In each cell of that table one process, the
 * victim, has a role and dies, and two others go on. If the kernel announces
 * the death they have no re-check at all; if it does not, each may need one.
 * Then the segment is sound, and all its memory and all its slots can be used.
 *
 * A test is a table of causes. A new role is an entry in deaths.c.
 */
#ifndef LIB_DEATHS_H
#define LIB_DEATHS_H

#include "agent.h"
#include "testing.h"

struct cell;

struct cause {
	const char *name;
	const char *thread; /* of the victim's, has the role; "": the main one */
	const char *actor;  /* thread of the victim's that does... */
	const char *command; /* ... this; see tests/agent. Or NULL */
	/* After that; sets since_us if it is not from then on. Or NULL. */
	void (*strike)(struct cell *c);
	void (*prepare)(struct cell *c); /* before it has the role; or NULL */
	int number;                      /* for strike() */
	bool unmarked;  /* the kernel does not tell: the others look again */
	bool goes_on;   /* its process lives, or ends when it likes */
	bool leaves;    /* gives its things back itself: nobody is told */
	bool suspected; /* nothing proves the death: the flight is stolen */
	bool awake;     /* cannot be done to somebody who sleeps */
};

struct role {
	const char *name;
	bool asleep; /* its thread cannot do what it is told */
	bool holds;  /* the others cannot go on before its end */
	void (*take)(struct cell *c);
	/* Returns when the others have recovered. */
	void (*recover)(struct cell *c);
};

struct cell {
	const struct cause *cause;
	const struct role *role;
	char name[128];
	struct agent *victim, *others[2];
	struct sfshm *handle;       /* of the test */
	uint64_t rechecks;          /* that there had been when it was dead */
	uint64_t since_us, took_us; /* for people to see */
	bool done;
};

/* CLOCK_MONOTONIC, microseconds. */
uint64_t now_us(void);

/* Waits for the victim's end, and counts from then on. Its status. */
int victim_gone(struct cell *c);

/* The victim is dead: from now on each of the others looks again once. */
void victim_is_dead(struct cell *c);

/* Runs all cells, and prints what each took. main()'s value. */
int deaths_main(int argc, char **argv, const struct cause *causes, size_t n);

#endif
