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
	SFSHM_TRY = 1 << 0,     /* do not wait: -EBUSY if another one leads */
	SFSHM_FOLLOW = 1 << 1,  /* never lead: -ENODATA if there is nothing */
	SFSHM_REFRESH = 1 << 2, /* lead even though a fresh result is there */
};

/*
 * How a call behaves. Zero-initialise it and set `size`; zeroes mean: share
 * with those who wait now, keep nothing for later, wait for as long as the
 * leader lives.
 */
struct sfshm_policy {
	size_t size;
	uint32_t flags;  /* enum sfshm_policy_flags */
	uint32_t ttl_ms; /* how long a published value serves later callers */
	uint32_t neg_ttl_ms;  /* how long a failure does */
	uint32_t lock_age_ms; /* past it others may take the flight from a live
				 leader; 0: never */
	uint64_t deadline_ns; /* end of the wait, CLOCK_MONOTONIC; 0: none */
	struct sfshm_cancel *cancel; /* ends the wait too; or NULL */
};

#define SFSHM_POLICY_INIT                           \
	{                                           \
		.size = sizeof(struct sfshm_policy) \
	}

/* The leader's grip on a flight. Its contents are the library's. */
struct sfshm_flight {
	uint64_t opaque[10];
};

/*
 * Asks for `key` (1 to SFSHM_KEY_MAX bytes). `policy` may be NULL. Returns
 *
 *   SFSHM_CACHED    a fresh value was there; it is in *result
 *   SFSHM_AWAITED   another one led; its value is in *result
 *   SFSHM_LEADER    you lead: *flight is yours; do the work, then end it with
 *                   exactly one of publish, fail, release, in this thread.
 *                   result->owner_died says that the last leader died
 *
 * or -EREMOTEIO or -ENOENT (the work failed or found nothing, fresh or
 * awaited: code and message are in *result), -EBUSY (SFSHM_TRY), -ENODATA
 * (SFSHM_FOLLOW), -ETIMEDOUT, -ECANCELED, -EDEADLK (this thread leads it
 * already), -ESHUTDOWN, -ENOSPC (all slots busy), -EUSERS, -EINVAL,
 * -ENAMETOOLONG, -EBADMSG, -EBADF, -ECHILD, -ENOMEM.
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
 * who waits. Returns 0; -ESTALE: taken from you, nothing became visible;
 * -EMSGSIZE or -ENOSPC: the flight is still yours, fail or release it;
 * -EPERM: not this thread's; -ECHILD; -EBADMSG. Never blocks.
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
 * policy's neg_ttl_ms, for later callers. `code` is any number but 0; by
 * convention a negated errno value; -ENOENT means "does not exist" and is
 * answered as such. `message` (or NULL) is cut at SFSHM_MESSAGE_MAX - 1
 * bytes. The last good value stays where it was. Returns 0, -ESTALE, -EPERM,
 * -EINVAL (code 0), -ECHILD. Never blocks.
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

/* The flight's generation: grows with each flight of a key. */
uint64_t sfshm_flight_generation(const struct sfshm_flight *flight);

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

/*
 * Removes every key that has no flight under way. Returns how many were
 * removed (capped at INT_MAX) or an error as sfshm_get(). Visits every slot.
 */
int sfshm_purge(struct sfshm *handle) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
