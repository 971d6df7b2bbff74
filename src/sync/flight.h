/* SPDX-License-Identifier: MIT */
/*
 * Flights: leading, following, taking over. The transitions are those of
 * store/ctl.h; a table of who notices which death is in docs/recovery.md.
 */
#ifndef SYNC_FLIGHT_H
#define SYNC_FLIGHT_H

#include "sync/look.h"

/* What struct sfshm_flight holds. */
struct flight {
	struct mapping *map; /* NULL: ended */
	struct shm_participant *record;
	struct sfshm_result *result; /* gets a copy of what is published */
	uint64_t cookie;
	uint64_t serial; /* of the mapping: its address may be used again */
	uint64_t ctl;    /* BUSY, as it stands while the flight is ours */
	uint32_t slot;
	uint32_t incarnation;
	uint32_t ttl_ms;
	uint32_t neg_ttl_ms;
	uint64_t stored; /* 0: the value is of now; else of then */
	int32_t outcome; /* once ended: what sfshm_do() answers its leader */
};
static_assert(sizeof(struct flight) <= sizeof(struct sfshm_flight), "opaque");

/*
 * When the flight began: 16 bits of its generation and microseconds, so that
 * what an earlier flight left there is known as such.
 */
static inline uint64_t started_make(uint64_t gen, uint64_t now_ns)
{
	return gen << 48 | (now_ns / 1000 & ((UINT64_C(1) << 48) - 1));
}

/* In ns, or 0 if it is not noted yet. */
static inline uint64_t started_ns(uint64_t started, uint64_t gen)
{
	if (started >> 48 != (gen & 0xffff))
		return 0;
	return (started & ((UINT64_C(1) << 48) - 1)) * 1000;
}

/*
 * The whole of sfshm_begin() for a call: returns SFSHM_CACHED, SFSHM_AWAITED,
 * SFSHM_LEADER with *f filled in, or an error.
 */
int flight_begin(struct call *c, struct flight *f);

/* A step's answer: something changed, look again. No errno value. */
#define AGAIN (-4096)

/* ... and: the segment has moved, ask its successor. */
#define MOVED (-4097)

/*
 * What is not found here may just have moved to the successor, whose place it
 * is to say so, unless it is the one that asks.
 */
static inline bool flight_moved(const struct call *c)
{
	return unlikely(load_acquire(&c->self->map->header->moved)) &&
	       !c->asked;
}

/* Becomes the leader of a slot as it was seen: T3, T7. SFSHM_LEADER, AGAIN. */
int flight_claim(struct call *c, struct sighting *seen);

/*
 * Waits once for the flight that was seen. Returns AGAIN, SFSHM_LEADER (the
 * last leader died), -ETIMEDOUT, -ECANCELED, -ESHUTDOWN or -EBADMSG.
 */
int flight_follow(struct call *c, struct sighting *seen);

/*
 * Asks the segment's predecessor, where there is one, by `how` (which never
 * leads then). Its answer, or -ENODATA.
 */
int flight_consult(struct call *c,
		   int (*how)(struct call *c, struct flight *f));

/* The call waits no more; `leads` says whether it became the leader. */
void flight_unfollow(struct call *c, bool leads);

/* The ends of a flight, as the public calls. */
int flight_publish(struct flight *f, struct peer *p, const struct iovec *iov,
		   int count);
int flight_fail(struct flight *f, struct peer *p, int code,
		const char *message);
int flight_release(struct flight *f, struct peer *p);

/*
 * Begins a flight in a successor for what is to be moved from its
 * predecessor, which is not asked or changed. Never waits.
 */
int flight_begin_moving(struct call *c, struct flight *f);

/* A look without waiting: SFSHM_CACHED, a failure, or -ENODATA. */
int flight_peek(struct call *c, struct flight *unused);

/* As sfshm_forget() and sfshm_purge(). */
int flight_forget(struct call *c, struct flight *unused);
int flight_purge(struct peer *p);

/* How many wait at the slot, counted from the participants. */
uint32_t flight_waiters(const struct mapping *map, uint32_t slot);

/* What a dead or leaving owner still owned of slots: T8, T9, T13. */
void flight_sweep(struct peer *victim, bool died);

/* T8: the flight of a dead leader is over; false: others were first. */
bool flight_abandon(struct peer *p, uint32_t slot, uint64_t ctl);

/* ... and for whoever ends or takes it: one more has died over this key. */
void flight_note_death(struct peer *p, uint32_t slot);

/* T13: this slot was taken from the participant, who knows it now. */
void flight_yield(struct peer *p, uint32_t slot);

#endif
