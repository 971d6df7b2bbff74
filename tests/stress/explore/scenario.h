/* SPDX-License-Identifier: MIT */
/*
 * A scenario has two to four participants, says what each does, and prepares
 * the state that they begin from. The scenarios' files are built with the
 * library, so their variables are each participant's own, and survive from
 * prepare() to body().
 */
#ifndef EXPLORE_SCENARIO_H
#define EXPLORE_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#define MAY_DIE 1u
#define MAY_STOP 2u
#define FORKED 4u          /* begins when another one forks it */
#define MAY_DIE_AT_WORK 8u /* only while it sleeps by itself */
#define MAY_EXIT 16u       /* the thread alone, without libc's knowledge */
#define MAY_EXIT_AT_WORK 32u
#define MAY_IDLE 64u /* that it alone sleeps is no lost wake */
/* A thread of the process of role n. With FORKED, the process starts it. */
#define THREAD_OF(n) ((uint32_t)((n) + 1) << 8)

struct role {
	const char *name;
	void (*prepare)(void); /* without choices; or NULL */
	void (*body)(void);    /* explored; NULL: it is a part of the set-up */
	uint32_t may;          /* MAY_DIE, ... */
	uint32_t ns;           /* PID namespace, 0 is the first */
	int32_t tid;           /* in it; 0: one of its own */
};

struct scenario {
	const char *name;
	const char *what;
	uint32_t slots, granules, buckets; /* 0: 4, 8, 1 */
	uint32_t budget;                   /* of the short form, and one more
					      in the full one */
	uint32_t runs;        /* of each budget in the short form; 0: 4000 */
	uint32_t deaths_told; /* so many deaths cost nobody a slice */
	bool slices;          /* waits that last a slice are its subject */
	bool toy;             /* run only when asked for */
	struct role role[4];
	void (*check)(void); /* by the janitor, when all is over; or NULL */
};

extern const struct scenario *const scenarios[];

#endif
