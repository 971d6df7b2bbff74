/* SPDX-License-Identifier: MIT */
/*
 * The oracle knows the promises that hold in every state, whoever died or
 * stopped. Its memory lies in struct world, so states differ by it.
 *
 *  ORACLE-1. One leader a key: no two slots are BUSY with one key; and a
 *      participant that was told that it leads, and has not begun to end its
 *      flight, loses the key to another one only if its time is up or its
 *      flight was invalidated. All threads of a process lead what one of them
 *      leads, unless the owner of the flight dies. Nobody holds a lock shared
 *      that another one holds alone.
 *  ORACLE-2. Nobody stands on a slot that is freed: no living reader that was
 *      inside a section when the slot left its chain is still inside, unless it
 *      was expelled.
 *  ORACLE-3. Nobody alive is marked dead.
 *  ORACLE-4. A value is as somebody published it for that key.
 *  ORACLE-5. At the end, once the dead are reaped, sfshm_verify() finds
 *      nothing, and every key can be asked for.
 *  ORACLE-6. Nobody waits a slice out unless somebody was stopped, or more died
 *      than the scenario says: each wake comes (schedule.c).
 *  ORACLE-7. A key's generation grows with each flight. That a lock's holder
 *      died is told to the next one.
 *  ORACLE-8. A caller that begins after an invalidation of a tag has returned
 *      gets no value with that tag that was made before it.
 *  ORACLE-9. A flight changes its owner only by a thread of its process, and
 *      only one call is told that it has ended the flight.
 */
#ifndef EXPLORE_ORACLE_H
#define EXPLORE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Anything that must not be: ends the run as failed. */
void oracle_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says how this run has failed; or NULL. */
extern const char *oracle_failure;
void oracle_forget(void);

/* A word of the segment changed, by whoever is running (fiber or kernel). */
void oracle_saw_write(const void *at, uint64_t old, uint64_t value,
		      bool by_cas);
void oracle_saw_death(unsigned int fiber);

/* ORACLE-1, told by the scenarios: key `n` (0 to 7). `until`: ns, 0 no end. */
void oracle_leads(unsigned int key, uint64_t until);
void oracle_ends(unsigned int key);

/* This participant holds the lock of that key shared, or does not. */
void oracle_shares(unsigned int key, bool does);
void oracle_invalidated(unsigned int key);

/* Until told otherwise, this participant may retire the slot of a leader. */
void oracle_robs(unsigned int key, bool does);

/*
 * ORACLE-7: P has the lock that is key 7, and was told whether its holder died.
 */
void oracle_locked(bool told);

/* ORACLE-9: this call has ended that flight of key n. */
void oracle_ended(unsigned int key, uint64_t gen);

/* Key n's eight bytes. */
const void *oracle_key(unsigned int key);

#endif
