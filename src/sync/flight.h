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
 * while its leader works (see top/flight.c), so the leader stores the fields
 * that change until the end atomically.
 */
struct flight {
	struct mapping *map; /* NULL: ended */
	uint64_t life;       /* identifies the leader's attached thread */
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
	uint64_t stored; /* of a moved value: ns, when it was stored; else 0 */
	uint32_t uncacheable_ms; /* if `uncacheable`: the mark's lifetime */
	uint32_t reap; /* participant + 1, to be reaped after the end; or 0 */
	uint32_t lock_age_ms; /* the policy's */
	bool alone;       /* no flight: the caller runs the work for itself */
	bool uncacheable; /* only the leader gets the published value */
	bool doubtful;    /* another leader may have led the same key */
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
 * SFSHM_AWAITED, SFSHM_LEADER with *f filled in, MOVED, or an error. With
 * SFSHM_FOLLOW, `f` may be NULL.
 */
int flight_begin(struct call *c, struct flight *f);

/*
 * Sets up a flight that is shared with nobody: the caller runs the work for
 * itself. Returns SFSHM_LEADER.
 */
int flight_alone(struct flight *f, const struct sfshm_policy *policy,
		 struct sfshm_result *result);

/*
 * How many ms past its lifetime a value may be that answers a call instead of
 * this error; 0: none may, UINT64_MAX: any.
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

/* Beside the error codes: the caller must look again, or take its slow path. */
#define AGAIN (-4096)

/* The segment has a successor, which the caller must ask. */
#define MOVED (-4097)

/*
 * A key that is missing here may just have moved to the successor. Then the
 * successor must answer, unless this call is one that a caller in the successor
 * makes here (sync/consult.h).
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

/*
 * Bytes of the largest value that the flight can be published with. A value
 * that its leader keeps to itself needs no room in the segment. sfshm_do() has
 * a result to give it in, so it does not refuse a large one.
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
 * Ends the flight in any case. It fails with `code`; if `code` is 0 or refused,
 * or there is no room for a failure, it is released. Returns 0 or -ESTALE; the
 * flight has ended after both.
 */
int flight_end_somehow(struct flight *f, struct peer *p, int code,
		       const char *message);

/*
 * SFSHM_FAIL_IF_LOST: writes the failure that the flight is to end with if its
 * leader dies. Nobody sees it while the leader lives.
 */
void flight_write_loss(struct flight *f, struct peer *p);

/*
 * Whether the flight of that control word is to fail if its leader is dead.
 * FLIGHT-T19: the CAS that ends it then makes it FAILED.
 */
bool flight_fails_if_lost(const struct mapping *map, uint32_t slot,
			  uint64_t ctl);

/* Whether a flight can fail with this code. */
static inline bool flight_may_fail_with(int code)
{
	return code && code != SHM_CODE_UNCACHEABLE;
}

/*
 * Writes bytes into the field that the flight's result will have, for the
 * leader that takes over if this leader dies; readers do not see them. Works as
 * flight_publish(), but the flight goes on.
 */
int flight_note(struct flight *f, struct peer *p, const void *data,
		uint32_t len);

/* Whether the leader has still to end the flight. */
static inline bool flight_open(const struct flight *f)
{
	return f->map || f->alone;
}

/*
 * Whether the leader still has the flight. The leader's thread may be giving up
 * an old value or failure meanwhile (FLIGHT-T16, FLIGHT-T17), and an
 * invalidator may be marking the flight (FLIGHT-T18).
 */
static inline bool flight_stands(const struct flight *f)
{
	const uint64_t loose = CTL_HAS | CTL_FAILED | CTL_INVALID;

	return !((load_seq(&f->map->slots[f->slot].ctl) ^ f->ctl) & ~loose);
}

/*
 * Whether the flight or lock at `slot`, which is about to end, may have had a
 * double: the segment's file is removed, or took the name of a removed one in
 * which work went on. Checks the file first, if that is due (REMOVAL-1).
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
 * Moves the leader's deadline to `ms` from now (0: no deadline). Returns 0 or
 * -ESTALE.
 */
int flight_extend(const struct flight *f, uint32_t ms);

/* Returns how much of the leader's lease is left, ms, at least 1; 0: no end. */
uint32_t flight_lease_left(const struct flight *f);

/*
 * Begins a flight in a successor for a key that is being moved from the
 * predecessor. Neither asks nor changes the predecessor. Never waits.
 */
int flight_begin_moving(struct call *c, struct flight *f);

/* Looks without waiting. Returns SFSHM_CACHED, a failure, or -ENODATA. */
int flight_peek(struct call *c);

/*
 * Reaps the leader that the word names if it is dead. True: what it led has
 * been given back.
 */
bool flight_reap_leader(struct peer *p, uint64_t ctl);

/*
 * Finds the key's slot in this segment, in any phase. Returns 1 with *seen
 * filled in, 0, or an error.
 */
int flight_find(struct call *c, struct sighting *seen);

/*
 * Begins a flight for a put: takes the key from its leader, if there is one,
 * and never waits. The call's flags are SFSHM_TRY and SFSHM_REFRESH. Returns
 * SFSHM_LEADER, MOVED, -EBUSY (other callers came first each time) or an error
 * as flight_begin(). Unless `needed` is NULL: -ESTALE if the key's value is not
 * of that generation (0: if it has a fresh one), and -EBUSY while the segment
 * has a predecessor, where the value may be.
 */
int flight_take(struct call *c, struct flight *f, const uint64_t *needed);

/* Do the work of sfshm_forget() and sfshm_invalidate(). */
int flight_forget(struct call *c);
int flight_invalidate(struct call *c, uint32_t flags);

/*
 * Do the work of sfshm_purge(), and of sfshm_invalidate_all(), hard and soft:
 * visit every key here and in the predecessor. Return how many they changed, or
 * an error.
 */
int flight_purge_all(struct peer *p);
int flight_drop_all(struct peer *p);
int flight_expire_all(struct peer *p);

/*
 * Ends what a dead or leaving participant still owns of slots: FLIGHT-T8,
 * FLIGHT-T9, FLIGHT-T13.
 */
void flight_sweep(struct peer *victim, bool died);

/*
 * FLIGHT-T8: ends the flight of a dead or leaving leader, if that leader still
 * has it.
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
