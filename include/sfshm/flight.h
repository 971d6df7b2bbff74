/* SPDX-License-Identifier: MIT */
/*
 * Flights. A flight is one run of the work for a key.
 *
 * sfshm_begin() either hands the caller a result or makes it the leader of a
 * new flight. The leader does the work and ends the flight with publish, fail
 * or release. Callers that wait for the flight are its followers. The idea
 * comes from Go's singleflight and nginx's proxy_cache_lock. If the leader
 * dies, robust futexes pass the flight on to a follower at once.
 *
 * Unless a comment says otherwise, each call here is thread-safe, must not be
 * made in a signal handler, and returns -ECHILD in a forked child for a flight
 * of the parent, and for a handle of the parent that does not follow forks
 * (<sfshm/segment.h>). A thread's first call attaches the thread to the
 * segment. A leader may die at any instruction (by signal, exit, exec, thread
 * exit or cancellation): the kernel wakes the followers, and one of them
 * becomes the leader.
 */
#ifndef SFSHM_FLIGHT_H
#define SFSHM_FLIGHT_H

#include <sys/uio.h>
#include <sfshm/cancel.h>
#include <sfshm/result.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* Longest key in bytes. A key has at least one byte; any may be NUL. */
#define SFSHM_KEY_MAX 1024

/* The value of a time in milliseconds that never ends. */
#define SFSHM_FOREVER UINT32_MAX

enum sfshm_policy_flags {
	/* Do not wait: -EBUSY while the key's leader, or the holder of its
	   claim, is alive and within its lease. */
	SFSHM_TRY = 1 << 0,
	/* Never lead, and never take the flight from a leader that may be
	   alive. */
	SFSHM_FOLLOW = 1 << 1,
	SFSHM_REFRESH = 1 << 2, /* lead even if there is a fresh result */
	/* publish: -ENOSPC or -EMSGSIZE if the segment cannot keep the value */
	SFSHM_KEEP = 1 << 3,
	/* At the deadline, and in place of -EHOSTDOWN, -EAGAIN or -ENOSPC,
	   return the last value, however old, if there is one. */
	SFSHM_STALE_ON_TIMEOUT = 1 << 4,
	/* Ignore another caller's failure: lead, or wait again. */
	SFSHM_RETRY_ON_FAILURE = 1 << 5,
	/* sfshm_do(): run the work even if the segment cannot be used. */
	SFSHM_LOCAL = 1 << 6,
	/* sfshm_do(): run the work once more if its key was invalidated
	   meanwhile. */
	SFSHM_RETRY_IF_INVALIDATED = 1 << 7,
	/* If the token has fired: -ECANCELED, even if nobody leads. */
	SFSHM_CANCEL_FIRST = 1 << 8,
	/* Leading: if this thread dies, ends or is cancelled in the work, the
	   flight fails with -EOWNERDEAD for its followers; without this flag
	   one of them leads. If the leader dies while it publishes, a follower
	   leads all the same. A flight with this flag hides, as it begins, the
	   failure of the flight before it: a follower that has not read that
	   failure yet waits for the new flight. */
	SFSHM_FAIL_IF_LOST = 1 << 9,
	/* Return -EINTR if a signal handler without SA_RESTART (where there is
	   no futex_waitv(2): any handler) has run during a sleep. A signal that
	   comes between two sleeps does not end the wait: see `interrupted`. */
	SFSHM_INTR = 1 << 10,
	/* Leading: the flight belongs to the process, not to the thread. See
	   `task`. */
	SFSHM_DETACHED = 1 << 11,
};

/* sfshm_publish() returns this if it had no room to keep the value; in
   sfshm_do() also if the value is larger than max_value. */
#define SFSHM_UNCACHED 1

/* sfshm_publish() returns this if the value is stale from the start, because
   another caller invalidated the key, or a tag of the value, during the
   flight. */
#define SFSHM_INVALIDATED 2

/*
 * The caller's check of a value in result->value. Returns 0 to refuse the
 * value, anything else to accept it. Runs in the calling thread and must not
 * call this library.
 */
typedef int (*sfshm_opinion_fn)(const struct sfshm_result *result, void *arg);

/*
 * The behaviour of a call. Zero-initialise it and set `size` to its sizeof.
 * With all other fields 0 a result goes to the present followers only, and a
 * follower waits for as long as its leader lives. Times are milliseconds, and
 * may be SFSHM_FOREVER.
 */
struct sfshm_policy {
	size_t size;
	uint32_t flags; /* enum sfshm_policy_flags */

	/* Lifetimes, from the policy of the leader that ends the flight. Both
	   lifetimes, grace_ms and stale_if_error_ms go on while the host is
	   suspended (CLOCK_BOOTTIME); the other times of a policy stand still
	   (CLOCK_MONOTONIC). */
	uint32_t ttl_ms;     /* a value serves later callers for so long */
	uint32_t neg_ttl_ms; /* a failure serves later callers for so long */

	/*
	 * How long past its lifetime a call accepts a value, which it then
	 * marks as stale: grace_ms while another caller leads;
	 * stale_if_error_ms after the work failed; the longer of the two in
	 * place of -EHOSTDOWN, -EAGAIN or -ENOSPC. The segment keeps a value
	 * past its lifetime for the longer of the two times in the policy of
	 * the leader that published it. While the key's leader is dead or past
	 * its lease, a call that may lead takes no stale value: it replaces
	 * that leader.
	 */
	uint32_t grace_ms;
	uint32_t stale_if_error_ms;

	/* Waiting. The earlier of timeout and deadline gives -ETIMEDOUT. */
	uint32_t wait_timeout_ms;    /* since the first sleep; 0: no limit */
	uint32_t max_waiters;        /* -EAGAIN if so many wait; 0: no limit */
	uint64_t deadline_ns;        /* CLOCK_MONOTONIC; 0: no limit */
	struct sfshm_cancel *cancel; /* once fired: -ECANCELED; or NULL */

	/* Leading. */
	uint32_t lock_age_ms; /* lease: past it another caller may take the
				 flight from a live leader; 0: no limit */
	/* Breaker: after this many deaths of leaders in a row (31 at most; 0:
	   no breaker) callers get -EHOSTDOWN instead of leading, until
	   breaker_ms (not 0) have passed since the last death. */
	uint32_t breaker_deaths;
	uint32_t breaker_ms;
	/* Early refresh (XFetch): near the end of the lifetime, a random caller
	   leads although the value is still fresh. Longer work and a larger
	   beta make this happen earlier. 1 is usual; 0: never. */
	double beta;
	/* Callers for keys with the same claim key lead one after the other.
	   Callers for one key share its flight, with or without a claim key.
	   NULL: no claim. */
	const void *claim_key;
	size_t claim_key_len;

	/* Checks, or NULL. `fresh`: is the value still good enough for this
	   caller? A value that `fresh` refuses may still serve as a stale one.
	   `fits`: does the value belong to this key? A value that `fits`
	   refuses serves for nothing. */
	sfshm_opinion_fn fresh;
	sfshm_opinion_fn fits;
	void *arg; /* passed to these functions */
	/* A call that waits asks this function after each sleep, and so at
	   least every 125 ms. If the function returns anything but 0, the call
	   returns -EINTR. The function runs in the calling thread and must not
	   call this library. NULL: there is none. */
	int (*interrupted)(void *arg);

	/*
	 * With SFSHM_DETACHED any thread of the process may make the calls on
	 * the flight, one at a time; of two threads that end the flight, one
	 * gets -ESTALE. The flight ends with the process. A thread that ends
	 * leaves the flight to another thread that has used the segment; if
	 * there is none, the flight is released. One thread at a time has the
	 * flight: the one that last tried to end it or read its value; before
	 * that, the one that began it or got it from an ended thread. If that
	 * thread ends by a bare exit(2) system call, the flight counts as a
	 * dead leader's.
	 *
	 * `task` is a number for the request or the coroutine that the flight
	 * is for; 0: none. A call whose task leads the key, or would wait for
	 * itself by way of other tasks of the process, gets -EDEADLK; a call
	 * with task 0 waits. sfshm_release_all() releases the flights that a
	 * task has left behind.
	 */
	uint64_t task;
};

#define SFSHM_POLICY_INIT                           \
	{                                           \
		.size = sizeof(struct sfshm_policy) \
	}

/* A flight that the caller leads. Only the library uses the contents. */
struct sfshm_flight {
	uint64_t opaque[40];
};

/*
 * Asks for the value of `key` (1 to SFSHM_KEY_MAX bytes). `policy` may be NULL:
 * all defaults. Returns
 *
 *   SFSHM_CACHED    The segment has a fresh value, or a stale value that the
 *                   policy accepts; *result has it.
 *   SFSHM_AWAITED   Another caller led; *result has its value.
 *   SFSHM_LEADER    You lead *flight. Do the work, then end the flight in this
 *                   thread (SFSHM_DETACHED: in any thread of the process) with
 *                   exactly one of publish, fail and release.
 *                   result->owner_died is 1 if the leader before you died.
 *                   result->coordinated is 0 if the key is marked as
 *                   uncacheable: other callers run the work at the same time.
 *
 * or an error:
 *
 *   -EREMOTEIO, -ENOENT  The work failed, or found that the key does not
 *                 exist; *result has code and message.
 *   -EBUSY        SFSHM_TRY: another caller leads. Do without, or wait.
 *   -ENODATA      SFSHM_FOLLOW: nobody leads, and the segment has no result
 *                 that this call could return.
 *   -ESRCH        SFSHM_FOLLOW: the last flight ended without a result, and
 *                 nobody leads.
 *   -EOWNERDEAD   SFSHM_FOLLOW: the leader died, and nobody leads.
 *   -ETIMEDOUT, -ECANCELED, -EINTR  Your wait ended; the flight goes on.
 *   -EDEADLK      This thread, or the policy's task, already leads the key, or
 *                 leads one that the key's leader waits for. End that flight.
 *   -EAGAIN       max_waiters callers are already waiting. Try again later.
 *   -EHOSTDOWN    The key's leaders keep dying. Find out why, or try later.
 *   -ENOSPC       All slots are busy. Try later, or enlarge the segment.
 *   -ESHUTDOWN, -EUSERS, -EINVAL, -E2BIG, -ENAMETOOLONG, -EBADMSG, -EBADF,
 *   -ECHILD, -ENOMEM  As in <sfshm/errors.h>.
 *
 * A fresh hit makes no system call but a check of the segment's file twice a
 * second, and writes no shared memory but the thread's own record. A follower
 * sleeps in the kernel; the sleep is a cancellation point. A cancel token ends
 * the sleep; a signal does so only with SFSHM_INTR or `interrupted`. If a
 * follower dies, nobody else is affected.
 */
int sfshm_begin(struct sfshm *handle, const void *key, size_t key_len,
		const struct sfshm_policy *policy, struct sfshm_flight *flight,
		struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Ends the flight with a value of `len` bytes (0 is allowed) and wakes all
 * followers. `data` may point into the result that sfshm_do() fills in. Returns
 *
 *   0               The segment keeps the value for its lifetime.
 *   SFSHM_UNCACHED  The segment has no room to keep the value; the present
 *                   followers get it all the same. In sfshm_do(), if the value
 *                   is larger than max_value, or there is no room even to hand
 *                   it to the followers, only this caller gets it: the flight
 *                   ends as with sfshm_flight_uncacheable().
 *   SFSHM_INVALIDATED  Another caller invalidated the key, or a tag of the
 *                   value, while the work ran, so the work may have read old
 *                   data. Callers that waited before the invalidation get the
 *                   value; for all others it is stale from the start, and one
 *                   of them leads. If you need a value from after the
 *                   invalidation, run the work again.
 *   -ESTALE         Another caller took the flight. Nothing became visible.
 *   -EILSEQ         policy.fits refused the value. The flight has failed with
 *                   that code for everybody.
 *   -ESHUTDOWN      The flight has ended as asked, but the segment's file was
 *                   removed meanwhile, so another caller may have done the
 *                   work, too.
 *   -EMSGSIZE       The value has 4 GiB or more; or it is larger than the
 *                   segment's max_value, and either the flight was begun
 *                   without sfshm_do() or the policy has SFSHM_KEEP. The flight
 *                   is still yours: publish less, call
 *                   sfshm_flight_uncacheable() and publish again, fail it or
 *                   release it.
 *   -ENOSPC         There is no room to keep the value, and the policy has
 *                   SFSHM_KEEP; or there is no room even to hand the value to
 *                   the followers, and the flight was begun without sfshm_do().
 *                   The flight is still yours, as above.
 *   -ENOMEM         No memory to call policy.fits. The flight is still yours.
 *   -EINVAL         `data` is NULL and `len` is not 0. The flight is still
 *                   yours.
 *   -EPERM          Another thread leads this flight, without SFSHM_DETACHED.
 *                   Publish there.
 *   -ECHILD         The flight belongs to the parent process.
 *   -EBADMSG        The segment is damaged. Release the flight.
 *
 * Never waits for another caller. In a full segment the call may yield the
 * processor, for up to 200 ms, until a reader lets go of evicted memory. If the
 * leader is killed inside, either the whole value is visible or none of it.
 */
int sfshm_publish(struct sfshm_flight *flight, const void *data,
		  size_t len) SFSHM_CHECKED;

/* sfshm_publish() with a value in `count` pieces, as writev(2). */
int sfshm_publishv(struct sfshm_flight *flight, const struct iovec *iov,
		   int count) SFSHM_CHECKED;

/*
 * Ends the flight with an error. All followers get it, and for the policy's
 * neg_ttl_ms later callers, too. `code` is any number but 0 and INT32_MIN, by
 * convention a negated errno value; -ENOENT means "does not exist", and callers
 * get it as their return value. `message` (or NULL) has at most
 * SFSHM_MESSAGE_MAX - 1 bytes; a longer one is cut between two characters of
 * UTF-8, and ends with "...". The key's last good value stays. Returns 0;
 * -ESTALE, another caller took the flight; -ESHUTDOWN or -EPERM, as
 * sfshm_publish(); -ECHILD; or, with the flight still yours, -EINVAL (the code)
 * or -EBADMSG. Blocks as sfshm_publish() does.
 */
int sfshm_fail(struct sfshm_flight *flight, int code,
	       const char *message) SFSHM_CHECKED;

/*
 * Ends the flight without a result; one of the followers becomes the leader.
 * Returns 0; -ESTALE, another caller took the flight, or it has ended already;
 * -ESHUTDOWN or -EPERM, as sfshm_publish(); -ECHILD; -EINVAL. Never blocks.
 */
int sfshm_release(struct sfshm_flight *flight);

/*
 * Overrides the policy's ttl_ms and neg_ttl_ms for this flight. Only its leader
 * calls this, before it ends the flight. Never blocks.
 */
void sfshm_flight_ttl(struct sfshm_flight *flight, uint32_t ttl_ms,
		      uint32_t neg_ttl_ms);

/*
 * Sets how long (ms) the segment keeps this flight's value past its lifetime as
 * a stale one, in place of the longer of the policy's grace_ms and
 * stale_if_error_ms. Only the leader calls this, before it ends the flight.
 * Never blocks.
 */
void sfshm_flight_keep(struct sfshm_flight *flight, uint32_t keep_ms);

/*
 * Marks the key as uncacheable (hit-for-miss, as in Varnish): only the leader
 * gets what this flight publishes. The followers, and callers in the next `ms`,
 * each run the work themselves, at the same time instead of one after the
 * other. With 0 ms only the followers do. The key's earlier value is dropped.
 * The value may be larger than the segment's max_value, but must be below 4
 * GiB. Only the leader calls this, before it ends the flight. Never blocks.
 */
void sfshm_flight_uncacheable(struct sfshm_flight *flight, uint32_t ms);

/*
 * Moves the end of the leader's lease (policy.lock_age_ms), and of the lease on
 * its claim, to `ms` from now; 0: no limit. An end more than 49 days after the
 * flight's begin means no limit, too. Returns 0; -ESTALE, another caller took
 * the flight or the claim, or the leader has ended the flight: stop the work;
 * -ECHILD; -EINVAL. Never blocks.
 *
 * Any thread of the process may call this, sfshm_abandoned() and
 * sfshm_flight_waiters(), even while the leader's thread ends the flight. The
 * leader must not use the struct for another flight before these calls have
 * returned.
 */
int sfshm_extend(struct sfshm_flight *flight, uint32_t ms) SFSHM_CHECKED;

/*
 * Returns 1 if the flight or its claim had followers and all of them have left;
 * 0 if not; or an error as sfshm_extend(). A leader that does the work only for
 * its followers calls this from time to time, and releases the flight on 1.
 * Never blocks.
 */
int sfshm_abandoned(const struct sfshm_flight *flight) SFSHM_CHECKED;

/*
 * Returns the flight's generation, which grows with each flight of the key: a
 * fencing token. Pass it to the resource that the work changes; that resource
 * can refuse a lower one than it has seen. Never blocks.
 */
uint64_t sfshm_flight_generation(const struct sfshm_flight *flight);

/*
 * Releases the flight unless it has ended. A variable declared as
 *
 *	SFSHM_GUARDED struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
 *
 * is released on every way out of its block but longjmp(). That includes
 * exceptions and, with glibc, cancellation if the file is compiled with
 * -fexceptions. Without that option, or with musl, a cancelled thread releases
 * the flight when it ends. Never blocks.
 */
void sfshm_flight_cleanup(struct sfshm_flight *flight);
#define SFSHM_GUARDED __attribute__((cleanup(sfshm_flight_cleanup)))
#define SFSHM_FLIGHT_INIT       \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Returns how many callers wait for this flight or its claim, asleep or polled;
 * 0 also after the flight was taken or has ended. Never blocks.
 */
uint32_t sfshm_flight_waiters(const struct sfshm_flight *flight);

/*
 * Looks for a fresh result without waiting or leading. Returns SFSHM_CACHED
 * with the value in *result; -EREMOTEIO or -ENOENT for a fresh failure, with
 * code and message in *result; -ENODATA if there is neither; or -EINVAL,
 * -ENAMETOOLONG, -EUSERS, -ENOSPC, -ESHUTDOWN, -EBADMSG, -EBADF, -ECHILD,
 * -ENOMEM. Never waits for another caller. If the caller dies inside, nobody
 * else is affected.
 */
int sfshm_get(struct sfshm *handle, const void *key, size_t key_len,
	      struct sfshm_result *result) SFSHM_CHECKED;

/*
 * sfshm_get() with a policy, which may be NULL. If the key has no fresh result,
 * looks for a stale value (result->stale is 1). The time since the end of the
 * value's lifetime must be less than the longer of grace_ms and
 * stale_if_error_ms; with SFSHM_STALE_ON_TIMEOUT, any value will do. A fresh
 * failure is returned unless stale_if_error_ms accepts the stale value;
 * SFSHM_RETRY_ON_FAILURE ignores the failure. Calls `fits` and `fresh`; no
 * other field of the policy matters. Returns as sfshm_get(), or -E2BIG. Never
 * leads, and does not look at the key's leader: a stale value does not show
 * whether anybody renews it.
 */
int sfshm_peek(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_policy *policy,
	       struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Makes `count` calls of sfshm_get(): key i is keys[i], its result goes to
 * results[i], and its return value to outcomes[i]. All results have the same
 * `size`. Returns how many keys had a fresh value (at most INT_MAX), or -EINVAL
 * if an array is missing. The results come from different moments.
 */
int sfshm_get_many(struct sfshm *handle, const struct iovec *keys, size_t count,
		   struct sfshm_result *results, int *outcomes) SFSHM_CHECKED;

/*
 * A walk over the keys. Zero-initialise it and set `size` to its sizeof; then
 * each sfshm_next_key() fills in the next key.
 */
struct sfshm_walk {
	size_t size;
	size_t key_len;
	uint64_t place[4]; /* only the library uses it */
	uint8_t key[SFSHM_KEY_MAX];
};

#define SFSHM_WALK_INIT                           \
	{                                         \
		.size = sizeof(struct sfshm_walk) \
	}

/*
 * Finds the next key that begins with `prefix` (of 0 bytes: any key), in no
 * particular order. Returns 1 with the key in *walk, 0 at the end, or an error
 * as sfshm_get(). The walk finds every key that the segment has from the first
 * call to the last. It may find, even twice, a key that comes, goes or is moved
 * by a resize meanwhile. A key that has only a flight counts, too. The caller
 * need not finish a walk, and may continue it in another thread, but not in a
 * forked child. Visits each slot once, and never waits for another caller.
 */
int sfshm_next_key(struct sfshm *handle, const void *prefix, size_t prefix_len,
		   struct sfshm_walk *walk) SFSHM_CHECKED;

/*
 * Waits for the flight under way, and never leads: sfshm_begin() with
 * SFSHM_FOLLOW. Returns as that call does. Ignores the leader's lease: the wait
 * ends with the flight, or by the policy's deadline or token.
 */
int sfshm_wait(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_policy *policy,
	       struct sfshm_result *result) SFSHM_CHECKED;

/*
 * Removes a key and its value, and closes its breaker. Returns 0; -ENODATA,
 * there is no such key; -EBUSY, a flight is under way: it goes on, and nothing
 * has changed; or an error as sfshm_get(). A flight whose leader is dead does
 * not count as under way. Never waits for another caller. If the caller dies
 * inside, the key is removed or it is not.
 */
int sfshm_forget(struct sfshm *handle, const void *key,
		 size_t key_len) SFSHM_CHECKED;

enum sfshm_invalidate_flags {
	/* Remove the key, and take a flight under way from its leader. Without
	   this flag the value becomes stale and the flight goes on. */
	SFSHM_HARD = 1 << 0,
};

/*
 * Declares the key's value or failure to be out of date. Without SFSHM_HARD,
 * callers whose policy accepts stale values still get the value, and a flight
 * under way goes on, but its result will be out of date, too: later callers
 * wait for its end, then one of them leads. Returns 0; -ENODATA, there is no
 * such key, or nothing fresh and no flight; or an error as sfshm_get(). Never
 * waits for another caller. If the caller dies inside, the key is invalidated
 * or it is not. Varnish has the same two kinds of purges.
 */
int sfshm_invalidate(struct sfshm *handle, const void *key, size_t key_len,
		     uint32_t flags) SFSHM_CHECKED;

/*
 * sfshm_invalidate() for every key. Claims, locks, semaphores and saved files
 * stay. Returns the number of keys invalidated (at most INT_MAX), or an error
 * as sfshm_get(). Visits every slot, one after the other. If a flight began
 * before the call, its value is out of date when the call returns; if the value
 * is published later, it is out of date from the start. A value whose flight
 * began during the call may stay fresh. If the caller dies inside, some keys
 * are invalidated and others are not.
 */
int sfshm_invalidate_all(struct sfshm *handle, uint32_t flags) SFSHM_CHECKED;

/*
 * Removes every key that has no flight under way, and closes all breakers but
 * those of keys with a flight under way. Claims, locks, semaphores and saved
 * files stay. Returns the number of keys removed (at most INT_MAX), or an error
 * as sfshm_get(). Visits every slot. If the caller dies inside, some keys are
 * removed and others are not.
 */
int sfshm_purge(struct sfshm *handle) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
