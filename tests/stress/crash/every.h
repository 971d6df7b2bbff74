/* SPDX-License-Identifier: MIT */
/* Lets a victim die at every instruction of an operation. */
#ifndef CRASH_EVERY_H
#define CRASH_EVERY_H

#include "recover.h"
#include "scenario.h"

#define MOST_PLACES 4096

struct tally {
	uint64_t instructions; /* each a place to die at */
	uint64_t states;       /* ... that differ in what they leave behind */
	uint64_t trials;       /* recoveries of copies */
	uint64_t kills;        /* recoveries after real deaths */
	uint64_t stuck, leaked;
	uint64_t broken;   /* performances that went wrong by themselves */
	uint64_t worst_ns; /* for people to see */
	/* Where the first states lie. */
	uint32_t places;
	uint64_t place[MOST_PLACES];
	char why[512]; /* of the first that went wrong */
};

/* How thorough to be. */
struct effort {
	uint32_t copies_every; /* one state in so many has copies */
	bool both; /* with a survivor that was there, and with one that comes */
	uint32_t kills;    /* real deaths for each operation, at most */
	uint64_t steps;    /* to be made for these, at most */
	uint64_t until_ns; /* no more of them after this; 0: no end */
};

void every_instruction(const struct scenario *sc, const struct effort *e,
		       struct tally *t);

/*
 * Lets a first victim die at each state of its operation. Then a second victim,
 * which finishes what the first one left, dies at each of its own states.
 */
void every_two_deaths(const struct scenario *sc, const struct scenario *second,
		      const struct effort *e, struct tally *t);

#endif
