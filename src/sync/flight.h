/* SPDX-License-Identifier: MIT */
/*
 * Flights: leading, following, taking over. The transitions are those of
 * store/ctl.h; docs/recovery.md says for each death who notices it.
 */
#ifndef SYNC_FLIGHT_H
#define SYNC_FLIGHT_H

#include <errno.h>

#include "os/overlay.h"
#include "peer/removal.h"
#include "sync/look.h"

/*
 * The contents of struct sfshm_flight. Other threads of the process may read it
 * while its leader works (see top/flight.c). So if they read a field that may
 * change before the flight ends, the leader stores that field atomically.
 */
struct flight {
	struct mapping *map; /* NULL: ended */
	uint64_t life;       /* identifies the leader's attached thread; or an
				entry: see sync/detached.h */
	uint64_t cookie;
	uint64_t serial; /* of the mapping, whose address may be reused */
	uint64_t ctl;    /* the BUSY word while the leader has the flight */
	uint32_t slot;
	uint32_t flags; /* the policy's */
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint32_t keep_ms; /* how long a value is kept past its lifetime */
	int32_t outcome;  /* once ended: sfshm_do()'s return value */
	sfshm_opinion_fn fits;
	void *arg;                   /* of `fits` */
	struct sfshm_result *result; /* gets a copy of the published value */
	uint64_t stored; /* ns; when a moved value was stored; else 0 */
	struct shm_tagging tagging; /* of the value; TAGGING-2 */
	uint32_t uncacheable_ms;    /* if `uncacheable`: the mark's lifetime */
	uint32_t reap; /* participant + 1, to be reaped after the end; or 0 */
	uint32_t lock_age_ms; /* the policy's */
	bool alone;       /* no flight: the caller runs the work for itself */
	bool uncacheable; /* only the leader gets the published value */
	bool doubtful;    /* another leader may have led the same key */
	bool given;       /* a put: no work runs */
	bool invalidated; /* an invalidator has marked it (FLIGHT-T18) */
	bool has_claim; /* the claim's flight follows in memory: sync/claim.c */
} overlay;
OVERLAY_FITS(struct flight, struct sfshm_flight);

static inline struct flight *flight_of(const struct sfshm_flight *flight)
{
	return (struct flight *)(uintptr_t)flight;
}

/*
 * Does the whole of sfshm_begin() for a call. Returns SFSHM_CACHED,
 * SFSHM_AWAITED, SFSHM_LEADER with *f filled in, MOVED, AGAIN,
 * LOCK_TAKEN_SHARED, or an error. With SFSHM_FOLLOW, `f` may be NULL.
 */
int flight_begin(struct call *c, struct flight *f);

/*
 * Sets up a flight that is shared with nobody: the caller runs the work for
 * itself. Returns SFSHM_LEADER.
 */
int flight_alone(struct flight *f, const struct sfshm_policy *policy,
		 struct sfshm_result *result);

/*
 * For a call that is about to fail with `error`: may an old value answer it
 * instead? Returns how many ms past its lifetime the value may be. 0: no value
 * may answer; UINT64_MAX: any value may.
 */
static inline uint64_t flight_settles_for(const struct sfshm_policy *policy,
					  int error)
{
	bool gives_up = error == -EHOSTDOWN || error == -EAGAIN ||
			error == -ENOSPC;
	uint32_t ms = call_keep_ms(policy);

	if ((gives_up || error == -ETIMEDOUT) &&
	    policy->flags & SFSHM_STALE_ON_TIMEOUT)
		return UINT64_MAX;
	if (!gives_up)
		return 0;
	return ms == SFSHM_FOREVER ? UINT64_MAX : ms;
}

/* Not an error code: the caller must look again, or take its slow path. */
#define AGAIN (-4096)

/* The segment has a successor, which the caller must ask. */
#define MOVED (-4097)

/*
 * Whether the successor must answer for a key that is missing here: the key may
 * just have moved there. False for a call that is made here on behalf of one in
 * the successor (sync/consult.h).
 */
static inline bool flight_moved(const struct call *c)
{
	return unlikely(load_acquire(&c->self->map->header->moved)) &&
	       !c->resize.asker;
}

/*
 * Answers the call with the value in its result, unless the policy's checks
 * reject that value.
 */
enum step flight_answer(struct call *c);

/* Bytes of the tags that the flight's value is to carry; 0: none. */
static inline uint32_t flight_head(const struct flight *f)
{
	return unlikely(f->tagging.tag[0]) ? sizeof(f->tagging) : 0;
}

/*
 * Returns the size in bytes of the largest value that the leader may publish.
 * Any size will do for an uncacheable key, and under sfshm_do() without
 * SFSHM_KEEP: a value that is too large for the segment goes to the leader
 * alone, in its own result.
 */
static inline uint64_t flight_largest(const struct flight *f)
{
	bool refuses = !f->result || f->flags & SFSHM_KEEP;

	return f->map && !f->uncacheable && refuses ?
		       f->map->geometry.max_value :
		       UINT32_MAX;
}

/* End a flight, as the public calls do. */
int flight_publish(struct flight *f, struct peer *p, const struct iovec *iov,
		   int count);
int flight_fail(struct flight *f, struct peer *p, int code,
		const char *message);
int flight_release(struct flight *f, struct peer *p);

/*
 * Ends the flight in any case: fails it with `code`; or releases it, if `code`
 * is 0 or not allowed. Returns 0 or -ESTALE; in both cases the flight has
 * ended.
 */
int flight_end_somehow(struct flight *f, struct peer *p, int code,
		       const char *message);

/*
 * SFSHM_FAIL_IF_LOST: writes the failure with which the flight is to end if its
 * leader dies. Nobody reads that failure while the leader lives.
 */
void flight_write_loss(struct flight *f, struct peer *p);

/*
 * Whether the flight that `ctl` names is to fail if its leader is dead
 * (SFSHM_FAIL_IF_LOST). FLIGHT-T19: the CAS that ends the flight then makes it
 * FAILED.
 */
bool flight_fails_if_lost(const struct mapping *map, uint32_t slot,
			  uint64_t ctl);

/* Whether a flight can fail with this code. */
static inline bool flight_may_fail_with(int code)
{
	return code && code != SHM_CODE_UNCACHEABLE;
}

/*
 * Writes bytes into the field that will have the flight's result, for the
 * leader that takes over if this leader dies. Calls that look for a result do
 * not see them. Returns 0, and the flight goes on; or an error as
 * flight_publish().
 */
int flight_note(struct flight *f, struct peer *p, const void *data,
		uint32_t len);

/* Whether the leader has still to end the flight. */
static inline bool flight_open(const struct flight *f)
{
	return f->map || f->alone;
}

/* Whether any thread of the process may end the flight. */
static inline bool flight_of_process(const struct flight *f)
{
	return (int64_t)load_relaxed(&f->life) > 0;
}

/*
 * Whether the leader still has the flight. Three bits do not count, because
 * they may change during a flight: two when the leader's thread gives up an old
 * value or failure (FLIGHT-T16, FLIGHT-T17), one when an invalidator marks the
 * flight (FLIGHT-T18). The owner of a flight of a process may change as well
 * (FLIGHT-T20).
 */
static inline bool flight_stands(const struct flight *f)
{
	const uint64_t owner = CTL_OWNER_MASK << CTL_OWNER_SHIFT;
	const uint64_t loose = CTL_HAS | CTL_FAILED | CTL_INVALID;
	uint64_t now = load_seq(&f->map->slots[f->slot].ctl);
	uint64_t changed = (now ^ f->ctl) & ~loose;

	return likely(!changed) ||
	       (flight_of_process(f) && !(changed & ~owner));
}

/*
 * For a flight or lock at `slot` that is about to end: whether another caller
 * may have led the same key at the same time, in another segment of the same
 * name. That may be so if this segment's file is removed; or if this segment
 * has the name of a removed segment, and a flight, lock or permit there was
 * still owned when this flight or lock began. First checks the file, if that is
 * due (REMOVAL-1).
 */
static force_inline bool flight_is_doubtful(struct mapping *map, uint32_t slot,
					    uint64_t ctl)
{
	uint64_t until;

	removal_look_if_due(map);
	if (removal_known(map))
		return true;
	until = load_relaxed(&map->header->doubled);
	return unlikely(until) &&
	       started_ns(load_relaxed(&map->cold[slot].started), ctl_gen(ctl),
			  until) < until;
}

/*
 * Makes the leader's lease end `ms` from now (0: never). Returns 0 or -ESTALE.
 */
int flight_extend(const struct flight *f, uint32_t ms);

/*
 * Returns the rest of the leader's lease, ms, at least 1; or 0: it never ends.
 */
uint32_t flight_lease_left(const struct flight *f);

/* Removes from the predecessor the key that the call leads here. */
void flight_drop_older(struct call *c);

/*
 * Begins a flight in a successor for a key that is being moved from the
 * predecessor. Neither asks nor changes the predecessor. Never waits.
 */
int flight_begin_moving(struct call *c, struct flight *f);

/*
 * Looks without waiting. Returns SFSHM_CACHED, MOVED, -ENODATA (no result
 * serves), -ENOENT or -EREMOTEIO (the result has a failure), or an error.
 */
int flight_peek(struct call *c);

/*
 * Reaps the leader that the control word names, if that leader is dead. True:
 * its flights have been ended.
 */
bool flight_reap_leader(struct peer *p, uint64_t ctl);

/*
 * Finds the key's slot in this segment, in any phase. Returns 1 with *seen
 * filled in, 0 (there is none), or an error.
 */
int flight_find(struct call *c, struct sighting *seen);

/*
 * Begins a flight for a put: takes the key from its leader, if there is one.
 * The call's flags are SFSHM_TRY and SFSHM_REFRESH, among others. Returns
 * SFSHM_LEADER, MOVED, -EBUSY (other callers came first each time) or an error
 * as flight_begin().
 *
 * The put is conditional if `needed` is not NULL. Only then may it wait for
 * another flight (PUT-4 of sync/put.c). A conditional put returns -ESTALE if
 * the key's value is not of generation *needed, or, if *needed is 0, if the key
 * has a fresh value. It returns -EBUSY while the segment has a predecessor,
 * because the value may be there.
 */
int flight_take(struct call *c, struct flight *f, const uint64_t *needed);

/* Do the work of sfshm_forget() and sfshm_invalidate(). */
int flight_forget(struct call *c);
int flight_invalidate(struct call *c, uint32_t flags);

/*
 * Do the work of sfshm_purge(), and of sfshm_invalidate_all() with and without
 * SFSHM_HARD: visit every key here and in the predecessor. Return how many keys
 * they changed, or an error.
 */
int flight_purge_all(struct peer *p);
int flight_drop_all(struct peer *p);
int flight_expire_all(struct peer *p);

/*
 * Does the work of sfshm_invalidate_tag(), here and in the predecessor. Returns
 * 0 or MOVED.
 */
int flight_invalidate_tag(struct peer *p, uint64_t tag);

/*
 * Gives back all that a dead or leaving participant still owns: flights and
 * slots (FLIGHT-T8, FLIGHT-T9, FLIGHT-T13, FLIGHT-T19), shared holds, permits
 * and pins. `died` says whether it is dead.
 */
void flight_sweep(struct peer *victim, bool died);

/*
 * Whether a note of the participant's record (store/owned.h; 0: none) names a
 * slot that the participant owns, or a semaphore of which it holds a permit. A
 * note that precedes its claim does not stand yet.
 */
bool flight_note_stands(struct mapping *map, uint32_t id, uint32_t note);

/* Whether a note of P's record stands. Called by P's own thread. */
bool flight_owns_noted(const struct peer *p);

/*
 * Gives back what P leads, holds and pins, except saves, and the flights, locks
 * and permits of its process. After that, each struct that names P's old life
 * is void. Returns how many things P gave back.
 */
uint32_t flight_give_back_all(struct peer *p);

/*
 * FLIGHT-T8, FLIGHT-T19: ends the flight of a dead or leaving leader. False:
 * that leader does not have the flight any more.
 */
bool flight_abandon(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * Counts the leader's death at this slot, unless another participant has
 * counted it. Called before FLIGHT-T7 or FLIGHT-T8.
 */
void flight_note_death(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * FLIGHT-T13: the participant has learned that the slot was taken from it, and
 * lets go of the slot.
 */
void flight_yield(struct peer *p, uint32_t slot);

#endif
