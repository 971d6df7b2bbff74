/* SPDX-License-Identifier: MIT */
/*
 * A new key is on probation: if nobody reads it soon, it goes before the others
 * do. The evictor applies S3-FIFO (Yang et al., "FIFO queues are all you need
 * for cache eviction", 2023) to slots that a CLOCK hand goes round.
 *
 *   the ring     the slots on probation, in the order of their making. The
 *                evictor keeps one slot in 50 here. An entry is a slot (26
 *                bits) and the low bits of its key's hash (6 bits).
 *   the ghosts   fingerprints of the keys that have failed: 12 bits each, five
 *                to a word, the newest lowest. The upper half of a key's hash
 *                chooses the word. A key whose ghost is there when it comes
 *                back has been missed, and skips probation.
 *
 * A slot's `recent` byte tells its standing: its credit (how many of its reads
 * count), whether it is on TRIAL, and whether the evicting hand has PASSED it
 * since. In the table n is the credit, and x the two marks, unchanged. TRIAL n
 * stands for TRIAL PASSED n as well, except in PROBATION-T7.
 *
 *  PROBATION-T1. any      -> 0              the inserter has claimed the slot
 *  PROBATION-T2. 0        -> TRIAL 0        the inserter has made a new value's
 *                                           slot; it then enters the slot in
 *                                           the ring. Not if the ring is full,
 *                                           or the key's ghost is there, or a
 *                                           resize has moved the key here.
 *  PROBATION-T3. x n      -> x n+1          the evictor has found a read noted,
 *                                           and n is below 2
 *  PROBATION-T4. TRIAL n  -> 0              the evictor takes the slot's entry
 *                                           out of the ring, and the slot has
 *                                           been read often enough
 *  PROBATION-T5. TRIAL n  -> evicted        likewise, but it has not; its ghost
 *                                           is noted
 *  PROBATION-T6. TRIAL n  -> n              likewise, but it cannot be evicted
 *  PROBATION-T7. TRIAL n  -> TRIAL PASSED n the evicting hand comes by
 *  PROBATION-T8. PASSED n -> n              it comes by again, and goes on as
 *                                           with any other slot: takes 1 off
 *                                           the credit, or evicts if that is 0
 *  PROBATION-T9. any      -> 1              a result is for callers that wait,
 *                                           or a caller waits for a claim
 *
 * Invariants:
 *
 *  PROBATION-1. All this is a hint. A wrong standing, entry or ghost changes
 *      which slot is evicted, and nothing else: the control word alone decides
 *      whether a slot may go. So all accesses are relaxed, and of two stores
 *      at the same time one may be lost.
 *  PROBATION-2. A place in the ring has one writer and one taker: `ring_in` and
 *      `ring_out` each give a place to one participant. A participant takes a
 *      few places at once.
 *  PROBATION-3. No slot is on probation for good. A slot on TRIAL may have no
 *      entry in the ring: its inserter, or the taker of its entry, has died or
 *      stopped, or the entry's place was used again too soon. The hand counts
 *      such a slot as one of the others after a round (PROBATION-T7,
 *      PROBATION-T8).
 *  PROBATION-4. An entry that does not fit its slot is skipped: the slot is not
 *      on TRIAL, or its key has another hash. Such are the entries of keys that
 *      are gone, and places whose writer has died.
 *
 * An inserter or an evictor that comes late, after its slot's next life has
 * begun, writes a wrong standing there. PROBATION-3 and PROBATION-T1 mend it.
 */
#ifndef STORE_PROBATION_H
#define STORE_PROBATION_H

#include "store/key.h"

/* The slot's `recent` byte. */
#define RECENT_CREDIT 3
#define RECENT_TRIAL 4
#define RECENT_PASSED 8

/* The most credit that a slot can have. The evicting hand spares a slot once
   for each credit. A slot with the most credit passes its probation. */
#define MOST_CREDIT 2

/*
 * Puts the key, which the caller has given a slot, on probation, unless it has
 * proved itself before (PROBATION-T2).
 */
void probation_begin(struct peer *p, uint32_t slot, const struct key *k);

/*
 * Takes up to `most` (> 0) entries out of the ring, unless fewer slots are on
 * probation than should be. Returns how many, and the place of the first one.
 */
uint32_t probation_take(struct mapping *map, uint32_t most, uint32_t *place);

/*
 * The slot on probation whose entry has that place. False if there is none
 * (PROBATION-4).
 */
bool probation_at(const struct mapping *map, uint32_t place, uint32_t *slot);

/* Notes that the key with this hash (shm_slot.hash) has failed. */
void probation_failed(struct mapping *map, uint32_t hash);

/* Credits the slots that were read since the last eviction (PROBATION-T3). */
void probation_credit(struct mapping *map);

#endif
