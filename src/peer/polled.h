/* SPDX-License-Identifier: MIT */
/*
 * Waits that are polled, as the segment shows them: bells and notes.
 *
 * A sleeper sleeps on its slot's event. A process that polls waits may have
 * thousands of them, but the kernel lets it sleep on 128 words at most. So the
 * header has 64 more words, the bells: bell n is for slots whose number is n
 * modulo 64.
 *
 *  POLLED-1. A waker that finds EVENT_POLLED in the event takes it away as it
 *      changes the event, and then rings the slot's bell: it adds 1 and wakes
 *      all that sleep on the bell. A process that finds a bell changed reads
 *      the bell, and then the events of all its waits there (ORDER-Q1,
 *      ORDER-Q2).
 *  POLLED-2. A wake reaches all polled waits at the slot, even if it reaches
 *      only one sleeper. So a process that hears the bell and does nothing, or
 *      dies, takes no wake from another waiter. Each wake takes EVENT_POLLED
 *      away, so a call that has to wait again announces its wait anew, and
 *      looks once more after that (ORDER-E1).
 *  POLLED-3. If a waker dies or stops between the event and the bell, the
 *      polled waits learn of the change a slice later at most, because their
 *      process looks at all its waits after each slice (WAIT-4).
 *
 * A note says that a participant has so many polled waits at a slot: sfshm-dump
 * and max_waiters count them. It belongs to the participant whose thread began
 * the wait or looked after it last; the end of that participant clears it.
 *
 *   bits  0..26  slot + 1; 0: the note is free
 *   bits 27..40  participant id
 *   bits 41..63  how many waits
 *
 * Notes are hints. If none is free, `notes_full` is set for good, and from then
 * on a slot with EVENT_POLLED counts as one at which somebody waits.
 */
#ifndef PEER_POLLED_H
#define PEER_POLLED_H

#include "segment/mapping.h"

/* Where a wait is noted. */
struct polled_note {
	uint32_t slot; /* + 1; 0: nowhere */
	uint32_t id;
};

static inline uint32_t polled_bell_of(uint32_t slot)
{
	return slot % SHM_BELLS;
}

/* POLLED-1, for the event of a slot. */
void polled_ring(const struct mapping *map, const uint32_t *event);

/* Notes one more wait of the participant at the slot. */
void polled_note(struct mapping *map, uint32_t slot, uint32_t id,
		 struct polled_note *note);

/* Takes the wait from its note. Idempotent. */
void polled_unnote(struct mapping *map, struct polled_note *note);

/* How many polled waits there are at the slot. */
uint32_t polled_count(const struct mapping *map, uint32_t slot);

/* Clears the notes of a participant that has ended. */
void polled_sweep(struct mapping *map, uint32_t id);

/*
 * Counts the cancel tokens (sfshm/cancel.h) that this process has fired. The
 * count is a futex word, private to the process: the thread that sleeps for
 * polled waits sleeps on it, too, and looks at the waits' tokens when it
 * changes.
 */
extern uint32_t polled_cancelled;

/* Wakes a private word's sleepers, also for a signal handler. */
void polled_wake(uint32_t *word);

#endif
