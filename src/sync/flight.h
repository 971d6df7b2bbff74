/* SPDX-License-Identifier: MIT */
/*
 * Flights: leading, following, taking over. The transitions are those of
 * store/ctl.h; a table of who notices which death is in docs/recovery.md.
 */
#ifndef SYNC_FLIGHT_H
#define SYNC_FLIGHT_H

#include "os/overlay.h"
#include "peer/removal.h"
#include "sync/look.h"

/*
 * What struct sfshm_flight holds. Other threads of the process may look at it
 * while it is led: top/flight.c says how. So what changes until then is stored
 * atomically.
 */
struct flight {
	struct mapping *map; /* NULL: ended */
	uint64_t life;       /* the leader's, as an attached thread */
	uint64_t cookie;
	uint64_t serial; /* of the mapping: its address may be used again */
	uint64_t ctl;    /* BUSY, as it stands while the flight is ours */
	uint32_t slot;
	uint32_t flags; /* the policy's, and what follows of it */
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint32_t keep_ms; /* past its lifetime a value is kept */
	int32_t outcome;  /* once ended: what sfshm_do() answers its leader */
	sfshm_opinion_fn fits;
	void *arg;                   /* of `fits` */
	struct sfshm_result *result; /* gets a copy of what is published */
	uint64_t stored;             /* 0: the value is of now; else of then */
	uint32_t uncacheable_ms; /* how long that is known, if `uncacheable` */
	uint32_t reap;    /* participant + 1, to be reaped once it is ended */
	bool alone;       /* no flight: the work is run for its caller only */
	bool uncacheable; /* only its leader gets what it publishes */
	bool doubtful;    /* as it ends: it may have had a double */
	bool has_claim; /* the next flight in memory goes with it: top/claim.c */
} overlay;
OVERLAY_FITS(struct flight, struct sfshm_flight);

static inline struct flight *flight_of(const struct sfshm_flight *flight)
{
	return (struct flight *)(uintptr_t)flight;
}

/*
 * The whole of sfshm_begin() for a call: returns SFSHM_CACHED, SFSHM_AWAITED,
 * SFSHM_LEADER with *f filled in, MOVED, or an error. With SFSHM_FOLLOW, `f`
 * may be NULL.
 */
int flight_begin(struct call *c, struct flight *f);

/*
 * Leads nothing: the work is run for its caller alone. SFSHM_LEADER.
 */
int flight_alone(struct flight *f, const struct sfshm_policy *policy,
		 struct sfshm_result *result);

/* Besides errors. Something is out of the ordinary: the longer way is to go. */
#define AGAIN (-4096)

/* The segment has a successor, which must be asked. */
#define MOVED (-4097)

/*
 * What is not found here may just have moved to the successor, whose place it
 * is to say so, unless it is the one that asks.
 */
static inline bool flight_moved(const struct call *c)
{
	return unlikely(load_acquire(&c->self->map->header->moved)) &&
	       !c->resize.asked;
}

/* Answers with the value in the result, unless the caller rejects it. */
enum step flight_answer(struct call *c);

/* The ends of a flight, as the public calls. */
int flight_publish(struct flight *f, struct peer *p, const struct iovec *iov,
		   int count);
int flight_fail(struct flight *f, struct peer *p, int code,
		const char *message);
int flight_release(struct flight *f, struct peer *p);

/*
 * Ends the flight, whatever it takes: it fails with the code; with a code that
 * is refused, or 0, or without room for that, it is released. 0 or -ESTALE;
 * either way it is ended.
 */
int flight_end_somehow(struct flight *f, struct peer *p, int code,
		       const char *message);

/* A number that a flight can fail with. */
static inline bool flight_may_fail_with(int code)
{
	return code && code != SHM_CODE_UNCACHEABLE;
}

/*
 * Writes bytes where the flight's result is going to be, for whoever leads
 * after this leader's death; nobody else sees them. As flight_publish(), but
 * the flight goes on.
 */
int flight_note(struct flight *f, struct peer *p, const void *data,
		uint32_t len);

/* Whether it is still to be ended. */
static inline bool flight_open(const struct flight *f)
{
	return f->map || f->alone;
}

/* It is still its leader's, who may be giving up an old value (FLIGHT-T16). */
static inline bool flight_stands(const struct flight *f)
{
	return !((load_seq(&f->map->slots[f->slot].ctl) ^ f->ctl) & ~CTL_HAS);
}

/*
 * The flight or lock at `slot`, which is about to end, may have had a double:
 * its segment's file is removed, or took the name of one in which things went
 * on. Looks after the file.
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
	       started_ns(load_relaxed(&map->cold[slot].started),
			  ctl_gen(ctl)) < until;
}

/* Moves the leader's deadline to `ms` from now; 0: none. 0 or -ESTALE. */
int flight_extend(const struct flight *f, uint32_t ms);

/*
 * Begins a flight in a successor for what is to be moved from its
 * predecessor, which is not asked or changed. Never waits.
 */
int flight_begin_moving(struct call *c, struct flight *f);

/* A look without waiting: SFSHM_CACHED, a failure, or -ENODATA. */
int flight_peek(struct call *c);

/* As sfshm_forget() and sfshm_invalidate(). */
int flight_forget(struct call *c);
int flight_invalidate(struct call *c, uint32_t flags);

/*
 * Something done to a key's slot, seen as `ctl`, whatever it is in: true if it
 * was; false also if it has changed since. The three are what sfshm_purge()
 * does and sfshm_invalidate(), hard and soft.
 */
typedef bool (*flight_visit_fn)(struct peer *p, uint32_t slot, uint64_t ctl);
bool flight_purge(struct peer *p, uint32_t slot, uint64_t ctl);
bool flight_drop(struct peer *p, uint32_t slot, uint64_t ctl);
bool flight_expire(struct peer *p, uint32_t slot, uint64_t ctl);

/* ... to every key here and in the predecessor; how many, or an error. */
int flight_with_all(struct peer *p, flight_visit_fn what);

/*
 * What a dead or leaving owner still owned of slots: FLIGHT-T8, FLIGHT-T9,
 * FLIGHT-T13.
 */
void flight_sweep(struct peer *victim, bool died);

/*
 * FLIGHT-T8: the flight of a dead or leaving leader is over, if it is that
 * still.
 */
bool flight_abandon(struct peer *p, uint32_t slot, uint64_t ctl);

/*
 * Before FLIGHT-T7 or FLIGHT-T8: one more has died over this key, if nobody has
 * said so.
 */
void flight_note_death(struct peer *p, uint32_t slot, uint64_t ctl);

/* FLIGHT-T13: this slot was taken from the participant, who knows it now. */
void flight_yield(struct peer *p, uint32_t slot);

#endif
