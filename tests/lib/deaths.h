/* SPDX-License-Identifier: MIT */
/*
 * A table of causes of death by roles. In each cell one process, the
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
	const char *thread;  /* the victim's, with the role; "": its main one */
	const char *actor;   /* the victim's thread that does `command` */
	const char *command; /* how it dies, see tests/agent; or NULL */
	/*
	 * Called after the command; or NULL. The time of the recovery counts
	 * from the command on, unless this call sets since_us.
	 */
	void (*strike)(struct cell *c);
	/* Called before the victim has the role. Or NULL. */
	void (*prepare)(struct cell *c);
	int number;    /* for strike() */
	bool unmarked; /* not announced by the kernel: the others re-check */
	bool goes_on;  /* its process lives, or ends when it likes */
	bool leaves; /* the victim gives all back itself: nobody learns of it */
	bool suspected; /* nothing proves the death: the flight is stolen */
	bool awake;     /* not for a victim that sleeps */
};

struct role {
	const char *name;
	bool asleep; /* the victim's thread cannot do commands */
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
	uint64_t rechecks;          /* count at the victim's death */
	uint64_t since_us, took_us; /* for people to see */
	bool done;
};

/* CLOCK_MONOTONIC, microseconds. */
uint64_t now_us(void);

/* Waits for the victim's end, and counts from then on. Returns its status. */
int victim_gone(struct cell *c);

/* Says that the victim is dead: from now on each other re-checks once. */
void victim_is_dead(struct cell *c);

/* Runs all cells, and prints the time of each. Returns main()'s value. */
int deaths_main(int argc, char **argv, const struct cause *causes, size_t n);

#endif
