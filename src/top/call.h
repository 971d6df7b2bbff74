/* SPDX-License-Identifier: MIT */
#ifndef TOP_CALL_H
#define TOP_CALL_H

#include "sync/flight.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/succession.h"

/*
 * Checks a call's arguments, finds the calling thread's peer and fills in *c.
 * Returns 0 or the call's error. The policy must have this library's size
 * (sized_adopt()).
 */
int call_start(struct call *c, struct sfshm *h, enum shm_kind kind,
	       const void *key, size_t len, const struct sfshm_policy *policy,
	       struct sfshm_result *result);

/* A policy with all defaults. */
extern const struct sfshm_policy call_no_policy;

/* Whether the policy has a breaker, but no time after which it closes. */
static force_inline bool
call_breaker_is_open_ended(const struct sfshm_policy *policy)
{
	return policy->breaker_deaths && !policy->breaker_ms;
}

/* Whether the arguments are valid, and the key fits into its slot. */
static force_inline bool call_is_usual(const struct sfshm *h, const void *key,
				       size_t len,
				       const struct sfshm_result *result)
{
	return h && key && len - 1 < SHM_INLINE_KEY &&
	       sized_result_is_valid(result);
}

/*
 * Returns this thread's peer, and fills in *k, if the arguments are usual and
 * the thread is attached already; else NULL.
 */
static inline struct peer *call_at_once(struct sfshm *h, enum shm_kind kind,
					const void *key, size_t len,
					const struct sfshm_result *result,
					struct key *k)
{
	struct peer *p;

	if (unlikely(!call_is_usual(h, key, len, result)))
		return NULL;
	p = peer_if_current(load_acquire(&h->map));
	if (unlikely(!p))
		return NULL;
	*k = key_make(p->map, kind, key, len);
	return p;
}

/* Does sfshm_begin() for any kind of key. */
int call_begin(struct sfshm *h, enum shm_kind kind, const void *key, size_t len,
	       const struct sfshm_policy *policy, struct flight *f,
	       struct sfshm_result *result);

/*
 * Finds the calling thread's peer for the mapping that has this serial number,
 * and attaches the thread if need be. Returns 0; -ESTALE: the mapping is gone;
 * or an error as peer_attach().
 */
int call_attach(const struct mapping *map, uint64_t serial, struct peer **out);

/*
 * Turns a flight that the caller leads into a flight of its process, for the
 * task. Returns SFSHM_LEADER, or -ENOMEM: the flight is released.
 */
int call_detach(const struct sfshm *h, uint64_t task, struct flight *f);

/*
 * Returns the outcome for a leader whose own work failed in flight
 * `generation`: SFSHM_CACHED with the key's value, which may be stale if the
 * policy allows that; or -EREMOTEIO.
 */
int call_after_failure(struct sfshm *h, const void *key, size_t len,
		       const struct sfshm_policy *policy, uint64_t generation,
		       struct sfshm_result *result);

/*
 * Returns the error for a caller whose flight, lock or permit in `map` is of a
 * life (struct peer) that is not this thread's. -ESTALE: the thread is
 * attached, and that life has ended.
 */
static inline int call_not_mine(const struct mapping *map, uint64_t life)
{
	return peer_attached(map, 0) && !peer_lives(life) ? -ESTALE : -EPERM;
}

/*
 * Returns the code, and stores the text, with which a flight fails if its work
 * has returned without ending it.
 */
int call_code_of(int returned, const char **message);

/* Whether the call failed because the segment is missing, full or unusable. */
static inline bool call_cannot_use(int r)
{
	return r == -EBADF || r == -EUSERS || r == -ENOSPC || r == -EBADMSG ||
	       r == -ESHUTDOWN || r == -ENOMEM;
}

/*
 * Ends the flight as flight_end_somehow() does. If this thread does not lead
 * the flight, returns an error and changes nothing.
 */
int call_end(struct flight *f, int code, const char *message);

/*
 * Asks the flight's `fits` whether the value is this key's. The flight must
 * have a `fits`, which may be a cancellation point. Returns 0, -EILSEQ (the
 * value is another key's) or -ENOMEM. Does not ask `fits` about a value that is
 * too large to be published, and returns 0 for it.
 */
int call_check_fit(const struct flight *f, const struct iovec *iov, int count);

#endif
