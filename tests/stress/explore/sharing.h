/* SPDX-License-Identifier: MIT */
/*
 * Words of the segment that several participants use, one of them writing.
 * Only there the order of steps is of any consequence, so only there are
 * choices: all that is done to other words commutes with all that others do,
 * deaths included, since a reaper that reads a word is another user of it.
 *
 * They are learned from the runs. When a participant uses or writes a word for
 * the first time, the search of that budget is to begin anew.
 */
#ifndef EXPLORE_SHARING_H
#define EXPLORE_SHARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world.h"

/*
 * Words of the segment, and behind them those of a process's memory, which
 * count where the process has several threads.
 */
#define SHARING_PRIVATE (WORLD_BYTES / 8)
#define SHARING_WORDS (SHARING_PRIVATE + FIBER_WORDS)

/* The word's number; SHARING_WORDS: it is of one thread only. */
uint32_t sharing_word(const void *at);

void sharing_forget(void);

/*
 * The running fiber uses the word. Returns whether it matters which fiber comes
 * first: another one writes the word, or this one does and another one uses it.
 */
bool sharing_note(const void *at, bool writes);

/* Whether a word was used by one more since this was last asked. */
bool sharing_has_grown(void);

/*
 * A shared word's number, in the order in which words became shared; for other
 * words UINT16_MAX.
 */
unsigned int sharing_number(size_t word);

/* How many are. */
unsigned int sharing_count(void);

#endif
