/* SPDX-License-Identifier: MIT */
/*
 * Flights: one run of the work for a key.
 *
 * sfshm_begin() makes the caller the leader, who must end the flight with
 * publish, fail or release, or hands it a result. The idea is Go's
 * singleflight and nginx's proxy_cache_lock; that a leader's death passes the
 * flight on at once is robust futexes' doing.
 *
 * Common to all calls here, unless said otherwise: thread-safe; not for signal
 * handlers; a thread attaches by itself at its first call. A leader that dies
 * at any instruction (signal, exit, exec, thread exit, cancellation) is
 * noticed by the kernel and replaced by one of those who wait.
 */
#ifndef SFSHM_FLIGHT_H
#define SFSHM_FLIGHT_H

#include <sys/uio.h>
#include <sfshm/cancel.h>
#include <sfshm/result.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* Longest key in bytes. Keys are bytes, NULs included; at least one. */
#define SFSHM_KEY_MAX 1024

/* A lifetime without end, for the *_ms fields. */
#define SFSHM_FOREVER UINT32_MAX

enum sfshm_policy_flags {
	/* Do not wait: -EBUSY if another one leads, and lives to do so. */
	SFSHM_TRY = 1 << 0,
	SFSHM_FOLLOW = 1 << 1,  /* never lead: -ENODATA if there is nothing */
	SFSHM_REFRESH = 1 << 2, /* lead even though a fresh result is there */
	SFSHM_KEEP = 1 << 3,    /* publish: -ENOSPC if it cannot be kept */
	/* A time-out is answered with the last value, stale, if any. */
	SFSHM_STALE_ON_TIMEOUT = 1 << 4,
	/* Another caller's failed run is not this one's: decide anew. */
	SFSHM_RETRY_ON_FAILURE = 1 << 5,
	/* sfshm_do(): where the segment cannot serve, just run the work. */
	SFSHM_LOCAL = 1 << 6,
};

/* What sfshm_publish() returns where it found no room to keep the value. */
#define SFSHM_UNCACHED 1

/*
 * The caller's opinion of a value in result->value: 0 it will not do, else it
 * will. Runs in the calling thread, must not call this library.
 */
typedef int (*sfshm_opinion_fn)(const struct sfshm_result *result, void *arg);

/*
 * How a call behaves. Zero-initialise it and set `size`; zeroes mean: share
 * with those who wait now, keep nothing for later, wait for as long as the
 * leader lives. Times are milliseconds; SFSHM_FOREVER is no end.
 */
struct sfshm_policy {
	size_t size;
	uint32_t flags; /* enum sfshm_policy_flags */

	/* Lifetimes; those of the leader's that published count. */
	uint32_t ttl_ms;     /* how long a value serves later callers */
	uint32_t neg_ttl_ms; /* how long a failure does */

	/*
	 * A value past its lifetime is answered, marked as stale: for
	 * grace_ms while another caller leads, for stale_if_error_ms after
	 * the work failed. It is kept for as long as the leader that
	 * published it said in these fields.
	 */
	uint32_t grace_ms;
	uint32_t stale_if_error_ms;

	/* Waiting. */
	uint32_t wait_timeout_ms; /* -ETIMEDOUT after that; 0: never */
	uint32_t max_waiters;     /* -EAGAIN if so many wait; 0: any number */
	uint64_t deadline_ns;     /* the same, CLOCK_MONOTONIC; 0: none */
	struct sfshm_cancel *cancel; /* ends the wait too; or NULL */

	/* Leading. */
	uint32_t lock_age_ms; /* past it others may take the flight from a live
				 leader; 0: never */
	/* After so many leaders died in a row callers get -EHOSTDOWN instead
	   of leading, for so long after the last death; more than 31 count
	   as 31; 0: never. */
	uint32_t breaker_deaths;
	uint32_t breaker_ms;
	/* Refresh early, by chance, the sooner the longer the work takes
	   (XFetch): 1 is usual, more is earlier, 0 never. */
	double beta;
	/* What is coordinated, if not `key`: callers for keys with the same
	   claim key run one after the other. Or NULL. */
	const void *claim_key;
	size_t claim_key_len;

	/* Opinions, or NULL: is the value still good; is it this key's? */
	sfshm_opinion_fn fresh;
	sfshm_opinion_fn fits;
	void *arg; /* for both */
};

#define SFSHM_POLICY_INIT                           \
	{                                           \
		.size = sizeof(struct sfshm_policy) \
	}

/* The leader's grip on a flight. Its contents are the library's. */
struct sfshm_flight {
	uint64_t opaque[40];
};

/*
 * Asks for `key` (1 to SFSHM_KEY_MAX bytes). `policy` may be NULL. Returns
 *
 *   SFSHM_CACHED    a fresh value was there; it is in *result
 *   SFSHM_AWAITED   another one led; its value is in *result
 *   SFSHM_LEADER    you lead: *flight is yours; do the work, then end it with
 *                   exactly one of publish, fail, release, in this thread.
 *                   result->owner_died says that the last leader died
 *                   result->coordinated 0 says that the key is marked as
 *                   uncacheable: you run it for yourself alone
 *
 * or -EREMOTEIO or -ENOENT (the work failed or found nothing, fresh or
 * awaited: code and message are in *result), -EBUSY (SFSHM_TRY), -ENODATA
 * (SFSHM_FOLLOW), -ETIMEDOUT, -ECANCELED, -EDEADLK (this thread leads it
 * already, or it leads what the leader waits for), -EAGAIN (max_waiters),
 * -EHOSTDOWN (its leaders keep dying), -ESHUTDOWN, -ENOSPC (all slots busy),
 * -EUSERS, -EINVAL, -ENAMETOOLONG, -EBADMSG, -EBADF, -ECHILD, -ENOMEM.
 *
 * A fresh hit makes no system call and writes no shared line but the thread's
 * own. A wait sleeps in the kernel and is a cancellation point. Signals do
 * not end it; a cancel token does. A follower that dies is simply gone.
 */
int sfshm_begin(struct sfshm *handle, const void *key, size_t key_len,
		const struct sfshm_policy *policy, struct sfshm_flight *flight,
		struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with a value of `len` bytes (0 is fine) and wakes everybody
 * who waits. Returns 0; SFSHM_UNCACHED: there was no room to keep it, those
 * who waited have it all the same; -ESTALE: taken from you, nothing became
 * visible; -EILSEQ: policy.fits says that it is another key's, the flight has
 * failed with that; -EMSGSIZE, or -ENOSPC (no room for those who wait either,
 * or the policy has SFSHM_KEEP): the flight is still yours, fail or release
 * it; -EPERM: not this thread's; -ECHILD; -EBADMSG. Never blocks.
 *
 * Killed inside: either all of it is visible or nothing.
 */
int sfshm_publish(struct sfshm_flight *flight, const void *data,
		  size_t len) SFSHM_CHECKED;

/* The same, gathering the value from `count` pieces. */
int sfshm_publishv(struct sfshm_flight *flight, const struct iovec *iov,
		   int count) SFSHM_CHECKED;

/*
 * Ends the flight with an error, for everybody who waits and, for the
 * policy's neg_ttl_ms, for later callers. `code` is any number but 0 and
 * INT_MIN; by convention a negated errno value; -ENOENT means "does not exist"
 * and is answered as such. `message` (or NULL) is cut at SFSHM_MESSAGE_MAX - 1
 * bytes. The last good value stays where it was. Returns 0, -ESTALE, -EPERM,
 * -EINVAL (code 0 or INT_MIN: the flight is still yours), -ECHILD. Never
 * blocks.
 */
int sfshm_fail(struct sfshm_flight *flight, int code,
	       const char *message) SFSHM_CHECKED;

/*
 * Ends the flight without a result: one of those who wait becomes the leader.
 * Returns 0, -ESTALE, -EPERM or -ECHILD. Never blocks.
 */
int sfshm_release(struct sfshm_flight *flight);

/* Overrides the policy's lifetimes, before the flight is ended. */
void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms);

/* The same for how long past its lifetime a value is kept as a stale one. */
void sfshm_flight_keep(struct sfshm_flight *flight, uint32_t keep_ms);

/*
 * What this flight publishes is for its leader alone (hit-for-miss): those who
 * wait, and for `ms` those who come, lead uncoordinated: each runs the work for
 * itself, at the same time, instead of one after the other. What was there
 * before is not answered any more.
 */
void sfshm_flight_uncacheable(struct sfshm_flight *flight, uint32_t ms);

/*
 * Moves the leader's deadline to `ms` from now (0: none any more), for a
 * flight that others may take over after lock_age_ms, and that of its claim.
 * Returns 0, -ESTALE: either was taken from you, or is ended; -ECHILD. Never
 * blocks.
 *
 * This call and the two that ask about a flight's waiters may be made from any
 * thread of the process, also while the leader's thread ends the flight. But
 * its struct must not be used for another one until they have returned.
 */
int sfshm_extend(struct sfshm_flight *flight, uint32_t ms) SFSHM_CHECKED;

/*
 * 1: somebody has waited for this flight, and nobody does any more, so it may
 * as well be released; 0: not so; or as sfshm_extend(), also about threads. To
 * be polled by work that would rather stop than run for nobody.
 */
int sfshm_abandoned(const struct sfshm_flight *flight) SFSHM_CHECKED;

/* The flight's generation: grows with each flight of a key. */
uint64_t sfshm_flight_generation(const struct sfshm_flight *flight);

/*
 * For the clean-up attribute, so that a flight is released on every way out of
 * its block but longjmp(); on cancellation and exceptions if the file that has
 * the block is compiled with -fexceptions, else when the thread ends:
 *
 *	SFSHM_GUARDED struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
 *
 * Releases it if it is not ended.
 */
void sfshm_flight_cleanup(struct sfshm_flight *flight);
#define SFSHM_GUARDED __attribute__((cleanup(sfshm_flight_cleanup)))
#define SFSHM_FLIGHT_INIT       \
	{                       \
		.opaque = { 0 } \
	}

/* How many threads wait for this flight now: 0 says nobody would miss it. */
uint32_t sfshm_flight_waiters(const struct sfshm_flight *flight);

/*
 * Looks without waiting or leading. Returns SFSHM_CACHED with a fresh value in
 * *result; -EREMOTEIO or -ENOENT for a failure that is still fresh; -ENODATA
 * otherwise; -EINVAL, -ENAMETOOLONG, -EUSERS, -EBADMSG, -EBADF, -ECHILD,
 * -ENOMEM. Never blocks.
 */
int sfshm_get(struct sfshm *handle, const void *key, size_t key_len,
	      struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Waits for the flight that is under way, without ever leading: sfshm_begin()
 * with SFSHM_FOLLOW. Returns as that does.
 */
int sfshm_wait(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_policy *policy,
	       struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Removes a key and its value. Returns 0, -ENODATA (no such key), -EBUSY (a
 * flight is under way: it goes on, nothing was changed), -EINVAL, ... as
 * sfshm_get(). Never blocks.
 */
int sfshm_forget(struct sfshm *handle, const void *key,
		 size_t key_len) SFSHM_CHECKED;

enum sfshm_invalidate_flags {
	/* Nothing of it is answered any more, and a flight under way is taken
	   from its leader; else what is there becomes stale, and what is under
	   way goes on. */
	SFSHM_HARD = 1 << 0,
};

/*
 * What is known of the key is out of date. A soft invalidation leaves the
 * value for those whose policy takes stale ones. Returns 0, -ENODATA (no such
 * key, or nothing fresh), -EINVAL, ... as sfshm_get(). Never blocks.
 */
int sfshm_invalidate(struct sfshm *handle, const void *key, size_t key_len,
		     uint32_t flags) SFSHM_CHECKED;

/*
 * The same for every key; returns how many (capped at INT_MAX) or an error as
 * sfshm_get(). Visits every slot.
 */
int sfshm_invalidate_all(struct sfshm *handle, uint32_t flags) SFSHM_CHECKED;

/*
 * Removes every key that has no flight under way. Returns how many were
 * removed (capped at INT_MAX) or an error as sfshm_get(). Visits every slot.
 */
int sfshm_purge(struct sfshm *handle) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
