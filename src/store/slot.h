/* SPDX-License-Identifier: MIT */
/*
 * A slot's life: from free to a key's place and back.
 *
 * The slot's own control word (store/ctl.h) says which steps are done. So any
 * participant that meets a slot half-way can take the next step, and a death
 * between two steps loses nothing.
 */
#ifndef STORE_SLOT_H
#define STORE_SLOT_H

#include "os/sys.h"
#include "store/scale.h"
#include "store/table.h"

/*
 * A slot's `started` word, in two forms:
 *
 *   0, 14 bits of the generation, guessed, detached, ns / 1024
 *                                                when its flight began; or,
 *                                                once its leader has died, when
 *                                                a participant noticed the
 *                                                death
 *   1, epoch                                     the stamp: an epoch read after
 *                                                the slot had left its chain
 *
 * The slot's owner may write the time at any moment, without looking at the
 * slot first. So a participant writes the stamp only if no such owner is left:
 * by a CAS while the slot is RETIRED and nobody owns it, or as the owner itself
 * in LIMBO, before it gives the slot up (FLIGHT-T13). The generation tells this
 * flight's time from an earlier flight's. `guessed` is one bit. If it is set,
 * the leader has not noted its start, and the time is when a caller first met
 * the leader. That caller notes the time by a CAS from the word that it found.
 * `detached` is one bit, too: any thread of the owner's process may end the
 * flight (sync/move.h). The leader sets it before its call returns.
 */
#define STARTED_STAMP (UINT64_C(1) << 63)
#define STARTED_GEN_SHIFT 49
#define STARTED_GEN_MASK 0x3fff
#define STARTED_GUESSED (UINT64_C(1) << 48)
#define STARTED_DETACHED (UINT64_C(1) << 47)
#define STARTED_TIME_BITS 47
#define STARTED_TIME (STARTED_DETACHED - 1)

static inline uint64_t started_make(uint64_t gen, uint64_t now_ns)
{
	return (gen & STARTED_GEN_MASK) << STARTED_GEN_SHIFT |
	       (now_ns >> 10 & STARTED_TIME);
}

/* How long before `now` the flight began, ns. The word must hold its time. */
static inline int64_t started_ago(uint64_t started, uint64_t now)
{
	/* Extends the sign of the 47 bits; 1024 ns each. */
	return (int64_t)(((now >> 10) - started) << 17) >> 7;
}

/*
 * When flight `gen` began, ns, or 0 if that is not noted yet. The word has room
 * for the low bits only; ns_nearest() completes them.
 */
static inline uint64_t started_ns(uint64_t started, uint64_t gen, uint64_t now)
{
	return started >> STARTED_GEN_SHIFT == (gen & STARTED_GEN_MASK) &&
			       started & STARTED_TIME ?
		       ns_nearest(started, STARTED_TIME_BITS, 10, now) :
		       0;
}

/* Whether any thread of its owner's process may end flight `gen`. */
static inline bool started_detached(uint64_t started, uint64_t gen)
{
	return unlikely(started & STARTED_DETACHED) &&
	       started >> STARTED_GEN_SHIFT == (gen & STARTED_GEN_MASK);
}

/*
 * A slot's `deaths` byte. Bits 0..4 count the leaders that died in a row. Bits
 * 5..7 are the low bits of the last such leader's generation, so that each
 * death is counted once. The byte is 0 once a leader has lived to end its
 * flight.
 */
#define DEATHS_MOST 31

static inline uint32_t deaths_count(uint8_t deaths)
{
	return deaths & DEATHS_MOST;
}

/* Whether the death of the leader of this generation is counted. */
static inline bool deaths_have(uint8_t deaths, uint64_t gen)
{
	return deaths && deaths >> 5 == (gen & 7);
}

/* The byte for `count` deaths; the last to die led generation `gen`. */
static inline uint8_t deaths_make(uint32_t count, uint64_t gen)
{
	return (uint8_t)((gen & 7) << 5 | count);
}

static inline uint8_t deaths_add(uint8_t deaths, uint64_t gen)
{
	uint32_t count = deaths_count(deaths);

	return deaths_make(count < DEATHS_MOST ? count + 1 : count, gen);
}

/*
 * Whether so many leaders have died that a breaker with the limit `most` opens.
 * If `most` is 0, the breaker never opens.
 */
static inline bool deaths_reach(uint8_t deaths, uint32_t most)
{
	return most && deaths_count(deaths) >=
			       (most < DEATHS_MOST ? most : DEATHS_MOST);
}

/* One of a slot's two results, with both its parts. */
struct field {
	struct shm_front *front;
	struct shm_back *back;
};

static inline struct field slot_field(const struct mapping *map, uint32_t slot,
				      unsigned int which)
{
	struct shm_desk *cold = &map->cold[slot];

	return (struct field){
		.front = which ? &cold->front : &map->slots[slot].front,
		.back = &cold->back[which],
	};
}

/* The field of cur: the last good value, if `has` is set. */
static inline struct field slot_value(const struct mapping *map, uint32_t slot,
				      uint64_t ctl)
{
	return slot_field(map, slot, ctl_cur(ctl));
}

/* The other field: the last failure, and the place of the next result. */
static inline struct field slot_other(const struct mapping *map, uint32_t slot,
				      uint64_t ctl)
{
	return slot_field(map, slot, !ctl_cur(ctl));
}

/*
 * The bits of `when` that do not belong to the time: length + 1 of a value that
 * is empty or inside its slot; WHEN_TAGGED for a value with tags; or 0.
 */
#define WHEN_SMALL UINT64_C(255)
#define WHEN_TAGGED WHEN_SMALL

static inline uint64_t front_stored(const struct shm_front *f)
{
	return load_relaxed(&f->when) & ~WHEN_SMALL;
}

/* Whether a result stored at that time is within its lifetime. */
static inline bool lives(uint64_t stored, uint32_t ttl_ms, uint64_t now)
{
	if (ttl_ms == UINT32_MAX)
		return true;
	return ttl_ms &&
	       (now <= stored || now - stored < ttl_ms * UINT64_C(1000000));
}

static inline bool front_fresh(const struct shm_front *f, uint64_t now)
{
	return lives(front_stored(f), load_relaxed(&f->ttl_ms), now);
}

/*
 * Whether the result is within its lifetime, or past it by less than `more` ms.
 */
static inline bool field_within(struct field f, uint64_t now, uint64_t more)
{
	uint64_t end = load_relaxed(&f.front->ttl_ms) + more;
	uint64_t stored = front_stored(f.front);

	return front_fresh(f.front, now) ||
	       ((end || more) && (now <= stored || end < more ||
				  (now - stored) / 1000000 < end));
}

/* Whether the result may serve a caller, at least as a stale one. */
static inline bool field_serves(struct field f, uint64_t now)
{
	return field_within(f, now, unscale_ms(load_relaxed(&f.back->keep)));
}

/*
 * FLIGHT-T1: claims a free slot whose word is `ctl`. Returns 0 with the new
 * word, -EAGAIN if the word has changed, or -EOVERFLOW if the generation would
 * reach CTL_GEN_END.
 */
int slot_take(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *out);

/*
 * The generation from which the slot's next flight counts: that of `ctl`. For a
 * linked slot in the making it is the floor + 1, if that is higher.
 */
static inline uint64_t slot_gen(const struct mapping *map, uint64_t ctl)
{
	uint64_t gen = ctl_gen(ctl), floor;

	if (likely(ctl_phase(ctl) != PHASE_MAKING))
		return gen;
	floor = load_acquire(&map->header->generation_floor);
	return gen > floor ? gen : floor + 1;
}

/* FLIGHT-T9: gives back a slot that was never linked; `ctl` is its word. */
void slot_unmake(struct peer *p, uint32_t slot, uint64_t ctl);

/* Remembers a slot that waits for its grace period: see store/limbo.h. */
static inline void slot_remember(struct peer *p, uint32_t slot)
{
	p->limbo[p->limbo_count++ % PEER_LIMBO] = slot;
}

/*
 * FLIGHT-T10, FLIGHT-T11: retires a slot whose word still is `ctl`, tries to
 * unlink it (slot_unlink()), and wakes its waiters. False if the word has
 * changed.
 */
bool slot_retire(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * slot_retire() without the wake: the caller wakes the slot's waiters soon. If
 * the caller dies before, each waiter looks again at the end of its slice.
 */
bool slot_retire_unsaid(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * FLIGHT-T12: takes a retired slot out of its chain, into limbo. Any
 * participant may do so, at any time.
 */
void slot_unlink(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * FLIGHT-T13: P gives up a slot that was stolen from it, or that it was
 * freeing. Does nothing if P does not own the slot.
 */
void slot_yield(struct peer *p, uint32_t slot);

/* Whether the slot, whose word is `ctl`, is in limbo, unowned and stamped. */
bool slot_is_stamped(const struct mapping *map, uint32_t slot, uint64_t ctl);

/* slot_is_stamped(), and whether the slot's grace period is over. */
bool slot_grace_over(const struct mapping *map, uint32_t slot, uint64_t ctl);

/*
 * FLIGHT-T14, FLIGHT-T15: frees a slot past its grace period. True if it has
 * freed the slot; then *freed is the new word.
 */
bool slot_reclaim(struct peer *p, uint32_t slot, uint64_t ctl, uint64_t *freed);

#endif
