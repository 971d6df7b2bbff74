/* SPDX-License-Identifier: MIT */
/*
 * The search leaves out preemptions that change nothing.
 *
 * To hold a participant P up before its step k differs from holding it up one
 * step later only if what the others do meanwhile conflicts with step k.
 * Otherwise P could as well do step k before it is held up. The search tries
 * the later places first, with all that can follow. So it knows what the others
 * ever did meanwhile when it comes to step k.
 *
 * The search ends a run that comes to a state which was met before, because it
 * has seen what can follow. So it notes what the others do by the state of P
 * (its stack and its memory), and not by the run.
 *
 * It always tries a place where step k is the kernel's, and one where P died
 * while it was away and step k writes.
 */
#ifndef EXPLORE_ABSENCE_H
#define EXPLORE_ABSENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A step uses a word that several share, or is the kernel's. */
struct step_use {
	uint32_t step;
	uint32_t before; /* the decision before it in the same turn, or 0 */
	int32_t word;    /* its number (sharing.h), or -1: the kernel's */
	bool writes;
};

/* Nothing is known. */
void absence_forget(void);

/* A run begins whose children differ from it at deviation `depth`. */
void absence_new_family(unsigned int depth);

/*
 * The fiber is held up before `use`, by deviation number `depth`, in favour of
 * `favoured`. False: it is as if it were held up one step later.
 */
bool absence_worth(unsigned int depth, unsigned int favoured,
		   const struct step_use *use);

/* A run begins; then what happens in it. */
void absence_new_run(void);
void absence_begin(unsigned int depth, unsigned int favoured,
		   unsigned int fiber);
void absence_end(unsigned int fiber);
void absence_killed(unsigned int fiber);
void absence_note(const void *at, bool writes);

#endif
