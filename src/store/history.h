/* SPDX-License-Identifier: MIT */
/*
 * The last events of participants, in two rings of each record. One ring has
 * the ends of flights and of waits; the other has the rarer events, so that a
 * busy thread's flights do not push a death out.
 *
 *  HISTORY-1. Only the thread that holds the record's mutex writes its rings:
 *      the owner, or a reaper that has locked the record.
 *  HISTORY-2. Event n of a ring, counted from 0, is at place n modulo the size
 *      of the ring. The writer counts the event before it writes to the place.
 *      So no number is written twice, even if the writer dies anywhere: the
 *      record's next owner goes on with the next number.
 *  HISTORY-3. An entry's `number` is 2n + 2 while the entry has event n, and
 *      odd while the entry is being written. A reader that finds the same even
 *      number before and after its copy has all words of event n.
 *
 *   number                  the entry
 *   0                       was never written
 *   2n + 1                  event n is being written, or its writer died
 *   2n + 2                  has event n
 *
 * Readers pass over an odd number, so if a writer stops or dies inside, one
 * event is missing, and nobody waits. The next round of the ring repairs it.
 * Only views (sfshm/inspect.h) read the rings, and a damaged entry harms a
 * view's output only.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "os/killpoint.h"
#include "peer/participant.h"
#include "store/ctl.h"
#include "store/key.h"

/*
 * shm_event.what: bits 0..42 the flight's generation, HISTORY_AWAITED, and from
 * HISTORY_KIND on the enum shm_event_kind.
 */
#define HISTORY_GEN ((UINT64_C(1) << (64 - CTL_GEN_SHIFT)) - 1)
#define HISTORY_AWAITED (UINT64_C(1) << 48) /* others waited for the flight */
#define HISTORY_KIND 56

#define HISTORY_NO_SLOT UINT32_MAX

/* Times are kept in units of 2^14 ns: 19 hours in 32 bits. */
#define HISTORY_UNIT 14

static inline uint32_t history_scale(uint64_t ns)
{
	uint64_t units = ns >> HISTORY_UNIT;

	return units > UINT32_MAX ? UINT32_MAX : (uint32_t)units;
}

/*
 * ORDER-J1 pairs ORDER-J4
 * The odd number, and the count before it, come before the first word.
 *
 * ORDER-J2 pairs ORDER-J3
 * The last word comes before the even number.
 */
static force_inline void history_write(struct shm_event *ring, uint32_t size,
				       uint64_t *count, struct shm_event is)
{
	uint64_t n = load_relaxed(count);
	struct shm_event *e = &ring[n % size];

	store_relaxed(count, n + 1);
	store_relaxed(&e->number, 2 * n + 1);
	fence_release();
	kill_point(event_begun);
	store_relaxed(&e->when, is.when);
	store_relaxed(&e->what, is.what);
	store_relaxed(&e->where, is.where);
	store_relaxed(&e->who, is.who);
	store_release(&e->number, 2 * n + 2);
}

static force_inline uint64_t history_who(const struct shm_participant *rec,
					 uint32_t value)
{
	return (uint64_t)value << 32 | (uint32_t)load_relaxed(&rec->pid);
}

/*
 * Notes the end of a flight or of a wait, at `when` (CLOCK_MONOTONIC), after
 * `ns`. `hash` is the upper half of the key's.
 */
static force_inline void history_flight(struct shm_participant *rec,
					enum shm_event_kind kind, uint64_t what,
					uint32_t slot, uint32_t hash,
					uint64_t when, uint64_t ns)
{
	history_write(&rec->flights[0], SHM_FLIGHTS, &rec->flights_noted,
		      (struct shm_event){
			      .when = when,
			      .what = what | (uint64_t)kind << HISTORY_KIND,
			      .where = (uint64_t)hash << 32 | slot,
			      .who = history_who(rec, history_scale(ns)),
		      });
}

/* The hash of a slot's key, as an event has it. */
static inline uint32_t history_hash(const struct mapping *map, uint32_t slot)
{
	return load_relaxed(&map->slots[slot].hash);
}

/*
 * Notes a rare event. A caller that gives the slot away reads `hash` before, or
 * it would be that of the slot's next key. `value` is the process that the
 * event is about, or how many keys; 0: none. Reads the coarse clock.
 */
void history_rare(struct peer *p, enum shm_event_kind kind, uint32_t slot,
		  uint32_t hash, uint64_t gen, uint32_t value);

/*
 * Notes that the thread has evicted a key: once a second at most, with the
 * number of keys since the last event. The keys that a thread evicts last may
 * have no event; the counter has them.
 */
void history_evicted(struct peer *p, uint32_t slot, uint32_t hash,
		     uint64_t gen);

/* The process that has, or had, the record of this id; 0: none. */
uint32_t history_process(const struct peer *p, uint32_t id);

#endif
