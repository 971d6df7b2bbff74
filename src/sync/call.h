/* SPDX-License-Identifier: MIT */
/*
 * struct call: what one public call asks for, and what it has learned so far.
 * enum step: how one step towards the call's answer has ended.
 */
#ifndef SYNC_CALL_H
#define SYNC_CALL_H

#include <sfshm/flight.h>

#include "os/sys.h"
#include "peer/polled.h"
#include "store/tagging.h"

struct flight;
struct hold;
struct wait_word;

/*
 * A flag beside the policy's: where the call would sleep, it notes in `park`
 * what it waits for, and answers -EINPROGRESS.
 */
#define CALL_PARKS (1u << 31)

#define PARK_NO_OWNER UINT32_MAX

/*
 * A polled wait: the event, the owner and the time that may end it, and values
 * that the call takes up again when it goes on.
 */
struct park {
	struct mapping *map;
	uint64_t serial; /* of the mapping; 0: the call has not waited yet */
	uint64_t ctl;    /* the slot's word as it was seen */
	uint32_t slot;
	uint32_t event_seen;
	/* Index of the leader's record; for a lock that is held shared, of the
	   record of the one sharer that is watched; or PARK_NO_OWNER. */
	uint32_t owner;
	uint32_t owner_seen; /* its liveness word */
	/* When the call is to look again whatever happens: the deadline, the
	   lease's end, ...; ns; 0: never. */
	uint64_t until;
	bool asked;    /* the wait is made for an asker (sync/consult.h) */
	bool proof;    /* a mere suspicion that the owner is dead is no help */
	bool permit;   /* the wait is for a permit, of many owners */
	bool deferred; /* for a permit: the wait lets other waiters go first */
	/* For a permit: one that seems free here does not end the wait, because
	   the wait defers, or the predecessor may still count it as held. */
	bool shunned;
	uint64_t dead; /* for a permit: semaphore_dead() at the call's look */
	struct polled_note note;
	/* as in struct call */
	uint64_t joined, tag_clock, since, defers_until, deadline;
};

struct call {
	/* the request */
	struct peer *self;
	struct key key;
	struct sfshm_result *result;
	const struct sfshm_policy *policy;
	uint32_t *closing; /* changes when the handle is closed */
	uint32_t closing_seen;
	uint32_t flags; /* the policy's, and those that the call adds */
	/* The lease of a flight, ms; or the rank of a lock. */
	uint32_t lease_or_rank;
	bool stale; /* the value being taken is past its lifetime */
	/* The value that the call looks at is outdated (TAGGING-3). */
	bool outdated;
	/* That value cannot even be what the call waited for (TAGGING-4). */
	bool too_old;
	/* The call has given up on a fresh result. A value past its lifetime
	   by less than settle_ms will do; UINT64_MAX: any value. */
	bool settles;
	/* How many bytes of tags precede that value's own bytes; or 0. */
	uint32_t skip;
	uint64_t settle_ms;
	struct hold *shares; /* not NULL: take the lock shared, to here */
	/* A call for a key that its own thread leads gets -EBUSY, not
	   -EDEADLK. */
	bool own_is_busy;
	int answer; /* after STEP_ANSWER: an enum sfshm_source or an error */
	/* Generations of values that the policy's checks have rejected, or 0. A
	   value of generation `refused` or earlier does not serve as a fresh
	   one; a value of generation `misfit` or earlier does not serve at
	   all. */
	uint64_t refused;
	uint64_t misfit;
	uint32_t *pin;     /* not NULL: pin the value instead of copying it */
	int32_t pin_place; /* of the pin in the record; -1: nothing to pin */
	struct shm_tagging *tagging; /* gets the value's tags; or NULL */

	/* the call's wait for another caller's flight */
	struct {
		/* Results of this generation and later ones will do; 0: the
		   call has not waited yet. */
		uint64_t joined;
		uint64_t tag_clock; /* when the wait began: TAGGING-4 */
		uint64_t since;     /* the same, by the coarse clock; 0: none */
		uint64_t deadline;  /* ns; 0: none */
		/* Until then (ns) a lock's waiters go first; 0: not yet set. */
		uint64_t defers_until;
		uint64_t slept;  /* how often */
		bool signalled;  /* a signal ended the last sleep */
		bool waited;     /* the call was among the waiters */
		uint32_t *event; /* of the slot at which the call last waited */
		/* The control word of a save whose writer may be dead. */
		uint64_t suspected;
		/* Participant + 1 of the dead leader to reap, or 0. */
		uint32_t reap;
	} wait;

	/* If not NULL: a change of this word ends the wait, with AGAIN. */
	const struct wait_word *also;

	struct park *park; /* CALL_PARKS */

	/* the claim, which the call takes before it leads: sync/claim.h */
	struct {
		struct flight *flight; /* NULL: the policy names no claim key */
		/* flight_begin(), which claim.c cannot call: files call in one
		   direction. */
		int (*begin)(struct call *c, struct flight *f);
		bool held;
		bool busy;       /* at the first try another caller had it */
		bool owner_died; /* the claim's last holder died holding it */
	} claim;

	/* the call's part in a resize */
	struct {
		bool consulted; /* the predecessor has been asked */
		bool moving;    /* the call moves the key here: top/moving.c */
		/* The call in the successor on whose behalf this call is made
		   here, or NULL: consult.c. */
		const struct call *asker;
		bool follows; /* the asker never leads */
	} resize;
};

enum step {
	STEP_AGAIN,  /* something changed: look again */
	STEP_SLEEP,  /* the leader is well: sleep */
	STEP_LEAD,   /* the caller leads the slot that it has seen */
	STEP_MOVED,  /* the segment has a successor, which must be asked */
	STEP_ANSWER, /* the call is answered: call.answer */
};

/*
 * Returns the segment in which the public call was made, before any predecessor
 * was asked (DEADLOCK-3).
 */
static inline struct mapping *call_newest(const struct call *c)
{
	while (c->resize.asker)
		c = c->resize.asker;
	return c->self->map;
}

/* Whether the call's token has fired, under SFSHM_CANCEL_FIRST. */
static inline bool call_cancelled(const struct call *c)
{
	return unlikely(c->flags & SFSHM_CANCEL_FIRST) && c->policy->cancel &&
	       load_acquire(&c->policy->cancel->word);
}

/* Whether a signal, or the policy's `interrupted`, may end a wait. */
static inline bool call_can_be_interrupted(const struct call *c)
{
	return unlikely(c->flags & SFSHM_INTR || c->policy->interrupted);
}

/* Returns the earlier of timeout_ms from now and deadline_ns; 0: no limit. */
static inline uint64_t call_deadline(uint32_t timeout_ms, uint64_t deadline_ns)
{
	uint64_t end = timeout_ms ? ns_after(sys.now(), timeout_ms) : 0;

	return end && (!deadline_ns || end < deadline_ns) ? end : deadline_ns;
}

/*
 * Begins the call's wait, unless it has begun. The call waits for a result of
 * this generation or a later one. Notes the tag clock, for TAGGING-4.
 */
static inline void call_join(struct call *c, uint64_t generation)
{
	if (c->wait.joined)
		return;
	c->wait.joined = generation;
	c->wait.tag_clock = tagging_clock(c->self->map);
	c->wait.since = sys.coarse();
}

/*
 * Goes on with a wait that the call has parked. In another segment than the one
 * in which it parked, the call keeps only its deadline, and that it has waited.
 */
static inline void call_resume(struct call *c)
{
	const struct park *park = c->park;

	if (likely(!park) || !park->serial)
		return;
	c->wait.waited = true;
	c->wait.deadline = park->deadline;
	if (park->serial != c->self->map->serial)
		return;
	c->wait.joined = park->joined;
	c->wait.tag_clock = park->tag_clock;
	c->wait.since = park->since;
	c->wait.defers_until = park->defers_until;
	c->wait.slept = 1;
}

/* How long past its lifetime a value may serve at all, ms. */
static inline uint32_t call_keep_ms(const struct sfshm_policy *policy)
{
	return policy->grace_ms > policy->stale_if_error_ms ?
		       policy->grace_ms :
		       policy->stale_if_error_ms;
}

static inline enum step call_answer(struct call *c, int answer)
{
	c->answer = answer;
	return STEP_ANSWER;
}

/*
 * Returns the error that ends the call's wait without a result, AGAIN if the
 * word `also` has changed, or 0: the wait goes on.
 */
int call_given_up(struct call *c, uint64_t now);

#endif
