/* SPDX-License-Identifier: MIT */
/*
 * One call's question, from the public function down to the slot, and the
 * outcomes of a step towards its answer.
 */
#ifndef SYNC_CALL_H
#define SYNC_CALL_H

#include <sfshm/flight.h>

#include "os/sys.h"
#include "store/slot.h"

struct flight;
struct wait_word;

struct call {
	/* the request; the fast path uses the first fields */
	struct peer *self;
	struct key key;
	struct sfshm_result *result;
	const struct sfshm_policy *policy;
	uint32_t *closing; /* changes when the handle is closed */
	uint32_t closing_seen;
	uint32_t flags;         /* the policy's, and what the call adds */
	uint32_t lease_or_rank; /* ms for its flight; or a lock's rank */
	bool stale;             /* the value taken is past its lifetime */
	bool settles;           /* it gives up: any value will do ... */
	uint64_t settle_ms;     /* ... that is past its lifetime by less */
	bool own_is_busy;       /* -EBUSY for a key that this thread leads */
	int answer;             /* with STEP_ANSWER: a source or an error */
	uint64_t refused;       /* values up to this generation are not fresh */
	uint64_t misfit; /* values up to this generation are another key's */
	uint32_t *pin;   /* not NULL: pin the value instead of copying it */
	int32_t pin_place;

	/* its wait for another caller's flight */
	struct {
		uint64_t joined;       /* generation of the flight, or 0 */
		uint64_t deadline;     /* ns; 0: none */
		uint64_t defers_until; /* ns: to a lock's waiters; 0: not */
		uint64_t slept;        /* times */
		bool waited;           /* it was among the waiters */
		uint32_t *event;       /* of the slot that it last waited at */
		uint64_t suspected; /* of a writer that may be dead: its word */
		uint32_t reap;      /* dead leader's participant + 1, or 0 */
	} wait;

	/* A word whose change ends a wait, with AGAIN; or NULL. */
	const struct wait_word *also;

	/* the claim that comes before its lead: sync/claim.h */
	struct {
		struct flight *flight; /* NULL: the policy names no claim key */
		/* flight_begin() */
		int (*begin)(struct call *c, struct flight *f);
		bool held;
		bool busy;       /* another caller had it */
		bool owner_died; /* the claim's last holder died with it */
	} claim;

	/* the segment and its predecessor */
	struct {
		bool consulted; /* the predecessor has been asked */
		bool moving;    /* the call moves the key here: top/moving.c */
		/* not NULL: that call, in a successor, makes this one here:
		   consult.c */
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

/* Whether the call's token has fired, and the caller wants that to count. */
static inline bool call_cancelled(const struct call *c)
{
	return unlikely(c->flags & SFSHM_CANCEL_FIRST) && c->policy->cancel &&
	       load_acquire(&c->policy->cancel->word);
}

/* The earlier of a time-out from now and a deadline, ns; 0 is no limit. */
static inline uint64_t call_deadline(uint32_t timeout_ms, uint64_t deadline_ns)
{
	uint64_t end = timeout_ms ? ns_after(sys.now(), timeout_ms) : 0;

	return end && (!deadline_ns || end < deadline_ns) ? end : deadline_ns;
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
