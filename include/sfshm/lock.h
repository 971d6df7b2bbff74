/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks: one holder per key, among the threads of all processes that
 * share a segment.
 *
 * A lock needs no set-up: it comes into being with its first holder, and an
 * idle one gives its place to others. Its holder's death, by whatever cause,
 * hands it over at once, and the next holder is told, as with
 * pthread_mutexattr_setrobust(); that is kept until it comes, unless all slots
 * of the segment are in use and nothing else can give way. Tiers are those of
 * grex's pack lock; asking for a lock by a path is what flock(2) is used for.
 *
 * Keys of locks are a name space of their own: the lock "a" and the value "a"
 * know nothing of each other.
 *
 * Common to all calls here: thread-safe; not for signal handlers; a thread
 * attaches by itself at its first call. A thread that ends, is cancelled or
 * dies, or closes its last handle of the segment, lets go of what it holds,
 * and the next holder of each lock is told. A lock is the thread's that took
 * it: a child of fork() holds nothing.
 */
#ifndef SFSHM_LOCK_H
#define SFSHM_LOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/cancel.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* What taking a lock returns if it is yours and its last holder died. */
#define SFSHM_OWNER_DIED 1

/* Ranks are 1 to this; 0 is none. */
#define SFSHM_LOCK_RANK_MAX 63

enum sfshm_lock_flags {
	SFSHM_LOCK_TRY = 1 << 0, /* do not wait: -EBUSY if it is held */
	/* A lock that this thread holds is -EBUSY rather than -EDEADLK. */
	SFSHM_LOCK_OWN_IS_BUSY = 1 << 1,
	/* A wrong rank writes its line to standard error and aborts. A library
	   that was built without NDEBUG always does. */
	SFSHM_LOCK_ABORT = 1 << 2,
};

/*
 * How to take a lock. Zero-initialise it and set `size`; zeroes mean: no rank,
 * and wait for as long as the holder lives.
 */
struct sfshm_lock_options {
	size_t size;
	uint32_t flags; /* enum sfshm_lock_flags */
	/*
	 * The lock's tier. A thread takes locks that have one in strictly
	 * increasing order; those without one it takes as it likes. What
	 * order a program's tiers have is the program's to say.
	 */
	uint32_t rank;
	uint32_t wait_timeout_ms; /* -ETIMEDOUT after that; 0: never */
	uint32_t reserved;
	uint64_t deadline_ns;        /* the same, CLOCK_MONOTONIC; 0: none */
	struct sfshm_cancel *cancel; /* ends the wait too; or NULL */
	/* Gets a line about a wrong rank: both ranks, both keys. Or NULL. */
	char *why;
	size_t why_size;
};

#define SFSHM_LOCK_OPTIONS_INIT                           \
	{                                                 \
		.size = sizeof(struct sfshm_lock_options) \
	}

/* A hold. Its contents are the library's. */
struct sfshm_lock {
	uint64_t opaque[12];
};

#define SFSHM_LOCK_INIT         \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Takes the lock `key` (1 to SFSHM_KEY_MAX bytes), waiting for it if need be.
 * `options` may be NULL. Returns
 *
 *   0                 it is yours; give it back with sfshm_unlock(lock)
 *   SFSHM_OWNER_DIED  it is yours, and its last holder ended without giving it
 *                     back: look after what the lock protects first. It is
 *                     said once, unless you end without giving it back too
 *
 * or an error, and *lock holds nothing: -EBUSY (SFSHM_LOCK_TRY, or
 * SFSHM_LOCK_OWN_IS_BUSY); -EDEADLK: this thread holds it, or it would wait
 * for ever, for it holds what those have to wait for who hold this one; found
 * before sleeping, over any number of keys, threads and processes that wait in
 * the same segment, for locks or flights: give back what you hold and begin
 * anew; -EDOM: the rank is not above those that this thread holds;
 * -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, -ENOSPC (all slots are in use),
 * -EUSERS, -EINVAL, -ENAMETOOLONG, -EBADMSG, -EBADF, -ECHILD, -ENOMEM.
 *
 * A lock that nobody holds is taken without a system call, whatever the time
 * and the cancel token say. A wait sleeps in the kernel and is a cancellation
 * point; signals do not end it. Killed in here, the thread holds the lock or
 * does not: in either case the others go on.
 */
int sfshm_lock(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_lock_options *options,
	       struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * The same without waiting, and without options: 0, SFSHM_OWNER_DIED, -EBUSY,
 * or as sfshm_lock(). Never blocks.
 */
int sfshm_trylock(struct sfshm *handle, const void *key, size_t key_len,
		  struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * sfshm_lock() with a file's name for a key: the absolute path without
 * symbolic links, "." and "..", so that all names of a place are one lock. The
 * folder must be there; what is in it need not be. Nothing is opened or made.
 * Returns as sfshm_lock(), and -EACCES, -ENOENT, -ENOTDIR, -ELOOP, ... as
 * realpath(3). Looking at the path may block.
 */
int sfshm_lock_path(struct sfshm *handle, const char *path,
		    const struct sfshm_lock_options *options,
		    struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * Gives the lock back; one of those who wait gets it. Returns 0; -EPERM: it is
 * another thread's, nothing has changed; -ESTALE: nothing is held, or it was
 * given back already; -ECHILD: it is your parent's; -EINVAL. Never blocks.
 */
int sfshm_unlock(struct sfshm_lock *lock);

/*
 * The hold's number: grows with each hold of a key. A fencing token: what the
 * lock protects can refuse whoever comes with a lower one than it has seen. 0:
 * nothing was ever held by *lock.
 */
uint64_t sfshm_lock_generation(const struct sfshm_lock *lock);

/*
 * Copies the key of a held lock into `buffer`, as much as `size` bytes hold,
 * and returns its length; -ESTALE: nothing is held; -EPERM, -ECHILD, -EINVAL.
 * For the holder. Never blocks.
 */
int sfshm_lock_key(const struct sfshm_lock *lock, void *buffer,
		   size_t size) SFSHM_CHECKED;

/*
 * For the clean-up attribute, so that a lock is given back on every way out of
 * its block but longjmp():
 *
 *	SFSHM_LOCKED struct sfshm_lock lock = SFSHM_LOCK_INIT;
 *
 * Gives it back if it is held.
 */
void sfshm_lock_cleanup(struct sfshm_lock *lock);
#define SFSHM_LOCKED __attribute__((cleanup(sfshm_lock_cleanup)))

SFSHM_END_DECLS

#endif
