/* SPDX-License-Identifier: MIT */
/*
 * Keyed locks: one holder per key among the threads of all processes that
 * share a segment; or several holders, with SFSHM_LOCK_SHARED.
 *
 * A lock needs no set-up: the first lock call for a key creates the lock, and
 * the library reuses the slots of idle locks. If a holder dies, the kernel
 * wakes a waiter, which takes the lock at once and learns of the death, as with
 * pthread_mutexattr_setrobust(). If nobody waits, the segment keeps a note of
 * the death for the next holder, unless all slots are in use and no other slot
 * can be evicted. The idea of ranks comes from grex's pack lock.
 *
 * Locks have a name space of their own: the lock "a" and the value "a" have
 * nothing to do with each other.
 *
 * Each call here is thread-safe and must not be made in a signal handler. A
 * thread's first call attaches the thread to the segment. If a thread ends, is
 * cancelled, dies, or closes its last handle of the segment, its locks are
 * released, and the next holder of each learns that. A lock belongs to the
 * thread that took it, or with SFSHM_LOCK_DETACHED to that thread's process; a
 * forked child holds none.
 */
#ifndef SFSHM_LOCK_H
#define SFSHM_LOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/cancel.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* sfshm_lock() returns this if you hold the lock and its last holder died. */
#define SFSHM_OWNER_DIED 1

/* The highest rank. The lowest is 1; 0: no rank. */
#define SFSHM_LOCK_RANK_MAX 63

enum sfshm_lock_flags {
	SFSHM_LOCK_TRY = 1 << 0, /* do not wait: -EBUSY if the lock is held */
	/* If this thread holds the lock already: -EBUSY, not -EDEADLK. */
	SFSHM_LOCK_OWN_IS_BUSY = 1 << 1,
	/* On a wrong rank write a line to standard error and abort. */
	SFSHM_LOCK_ABORT = 1 << 2,
	/* sfshm_lock_path(): lock the file itself, whatever its paths are. */
	SFSHM_LOCK_INODE = 1 << 3,
	/* If the token has fired: -ECANCELED, even if the lock is free. */
	SFSHM_LOCK_CANCEL_FIRST = 1 << 4,
	/* Hold the lock shared: others may hold it shared at the same time. */
	SFSHM_LOCK_SHARED = 1 << 5,
	/* The lock belongs to the process, not to the thread: see `task`. */
	SFSHM_LOCK_DETACHED = 1 << 6,
};

/* How many locks of a segment a thread may hold shared at the same time. */
#define SFSHM_LOCK_SHARED_MAX 8

/*
 * Options for taking a lock. Zero-initialise it and set `size` to its sizeof.
 * With all other fields 0 the lock has no rank, and the call waits for as long
 * as the holder lives.
 */
struct sfshm_lock_options {
	size_t size;
	uint32_t flags; /* enum sfshm_lock_flags */
	/*
	 * 1 to SFSHM_LOCK_RANK_MAX, or 0: no rank. A thread must take the
	 * ranked locks and permits (<sfshm/semaphore.h>) of a segment in
	 * strictly increasing rank, which rules out deadlocks among them. The
	 * program chooses the ranks. Every build of the library checks them.
	 */
	uint32_t rank;
	uint32_t wait_timeout_ms; /* then -ETIMEDOUT; 0: no limit */
	uint32_t reserved;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; then -ETIMEDOUT; 0: none */
	struct sfshm_cancel *cancel; /* once fired: -ECANCELED; or NULL */
	/* Buffer for one line that names both ranks and both keys if the rank
	   is wrong; or NULL. */
	char *why;
	size_t why_size; /* bytes of `why` */
	/*
	 * With SFSHM_LOCK_DETACHED any thread of the process may make the calls
	 * on the lock, one thread at a time; the first to unlock it wins. If
	 * the thread that took the lock ends (but not by a bare exit(2) system
	 * call) or closes its last handle, the lock stays held, as long as
	 * another thread of the process is attached to the segment. The lock is
	 * released, and its next holder gets SFSHM_OWNER_DIED, if the process
	 * dies or calls execve(2). The same may happen if a thread of the
	 * process ends by a bare exit(2). Such a lock has no rank, and is not
	 * held shared.
	 *
	 * `task` is a number for the request or the coroutine that the lock is
	 * for; 0: none. A call whose task holds the lock, or would wait for
	 * itself by way of other tasks of the process, gets -EDEADLK; a call
	 * with task 0 waits, also in the thread that took the lock.
	 * sfshm_release_all() releases the locks that a task has left behind.
	 */
	uint64_t task;
};

#define SFSHM_LOCK_OPTIONS_INIT                           \
	{                                                 \
		.size = sizeof(struct sfshm_lock_options) \
	}

/* A lock that is held. Only the library uses the contents. */
struct sfshm_lock {
	uint64_t opaque[12];
};

#define SFSHM_LOCK_INIT         \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Takes the lock `key` (1 to SFSHM_KEY_MAX bytes), and waits while another
 * thread holds it. `options` may be NULL. Returns
 *
 *   0                 You hold the lock. Release it with sfshm_unlock().
 *   SFSHM_OWNER_DIED  You hold the lock, and its last holder ended without
 *                     releasing it: repair what the lock protects first. The
 *                     next holder gets this code only if you, too, end
 *                     without releasing the lock.
 *
 * or an error, and *lock holds nothing:
 *
 *   -EBUSY      SFSHM_LOCK_TRY: another thread holds the lock, or waits for
 *               those that hold it shared.
 *               SFSHM_LOCK_OWN_IS_BUSY: this thread or task holds the lock.
 *   -EDEADLK    Waiting would deadlock: this thread or the options' task holds
 *               the lock, or leads or holds what the lock's holder waits for.
 *               Release what this thread holds and begin anew. The call finds
 *               circles of any number of threads and processes, over flights,
 *               locks and the permits of semaphores (if one thread holds all
 *               permits), also during a resize. docs/limits.md has the
 *               exceptions.
 *   -EDOM       The rank is not above the ranks that this thread holds.
 *   -EMFILE     SFSHM_LOCK_SHARED: this thread holds SFSHM_LOCK_SHARED_MAX
 *               locks shared already.
 *   -ETIMEDOUT, -ECANCELED  Your wait ended.
 *   -EOPNOTSUPP SFSHM_LOCK_DETACHED with SFSHM_LOCK_SHARED. Hold the lock
 *               alone, or share it by thread.
 *   -ENOSPC     All slots are in use. Try later, or enlarge the segment.
 *   -ESHUTDOWN, -EUSERS, -EINVAL, -E2BIG, -ENAMETOOLONG, -EBADMSG, -EBADF,
 *   -ECHILD, -ENOMEM  As in <sfshm/errors.h>. -EINVAL also for
 *               SFSHM_LOCK_DETACHED with a rank.
 *
 * The call takes a free lock even after the deadline, and without a system call
 * but a check of the segment's file twice a second. A fired token keeps the
 * call from a free lock only with SFSHM_LOCK_CANCEL_FIRST. A waiter sleeps in
 * the kernel; the sleep is a cancellation point, and signals do not end it. A
 * caller that dies inside holds the lock or does not; in either case the others
 * go on.
 *
 * A thread that releases a lock and takes it again at once may overtake the
 * waiters. Once the waiters have been overtaken 16 times, the next caller lets
 * a waiter go first: the caller waits, too, for 2 ms at most. A caller with
 * SFSHM_LOCK_TRY never waits for that. Waiters get the lock in no particular
 * order.
 *
 * With SFSHM_LOCK_SHARED any number of threads hold the lock at the same time,
 * and nobody holds it alone meanwhile, as with flock(2) and LOCK_SH. Shared
 * holds differ from the above in these points:
 *
 *   - A caller that wants to hold the lock alone keeps later callers from
 *     sharing it, and waits until the present sharers have released it. So this
 *     caller gets the lock even if callers share it one after another without
 *     a gap. Overtakings by both kinds of callers count towards the 16.
 *   - If a thread dies while it holds the lock shared, nobody waits for it, and
 *     nobody learns of its death: it has changed nothing. A thread that takes
 *     the lock shared and gets SFSHM_OWNER_DIED must not repair anything, since
 *     others may share the lock: it releases the lock, and takes it alone. Its
 *     release leaves the note of the death to the next holder.
 *   - A thread holds a lock once, in one way. If it asks for the lock again, in
 *     either way, it gets -EDEADLK.
 *   - A call that takes the lock shared changes no memory that other threads
 *     use, unless the last holder held the lock alone, or a caller waits for
 *     the lock. So threads on many processors share a lock without slowing each
 *     other down.
 */
int sfshm_lock(struct sfshm *handle, const void *key, size_t key_len,
	       const struct sfshm_lock_options *options,
	       struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * sfshm_lock() with SFSHM_LOCK_TRY as its only option. Returns 0,
 * SFSHM_OWNER_DIED, -EBUSY, or an error as sfshm_lock(). If this thread holds
 * the lock, returns -EDEADLK; to get -EBUSY instead, call sfshm_lock() with
 * SFSHM_LOCK_TRY and SFSHM_LOCK_OWN_IS_BUSY. Never waits for another caller.
 */
int sfshm_trylock(struct sfshm *handle, const void *key, size_t key_len,
		  struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * sfshm_lock() with a canonical path as the key: absolute, without symbolic
 * links, "." and "..", so that all paths to a file give the same lock. The
 * path's directory must exist. Its last component may be missing, or may be a
 * symbolic link to a file that is missing: the key is then the path that the
 * file will have. A file that replaces another one under its path has the same
 * lock.
 *
 * With SFSHM_LOCK_INODE the key is "inode:MAJOR:MINOR:NUMBER", from the file's
 * device and inode number: hard links, and paths in bind mounts and other mount
 * namespaces, give the same lock. The file must exist. If rename(2) puts
 * another file in its place, that file has a lock of its own. Keep the file
 * open while you hold the lock: once a file is removed and closed, a new file
 * may get its number.
 *
 * The call opens and makes no file. Returns as sfshm_lock(), or -EACCES,
 * -ENOTDIR, -ELOOP, ... as realpath(3), or
 *
 *   -ENOENT     The directory is missing, or with SFSHM_LOCK_INODE the file.
 *               Make it first.
 *
 * Resolving the path may block. Use this call in place of flock(2).
 */
int sfshm_lock_path(struct sfshm *handle, const char *path,
		    const struct sfshm_lock_options *options,
		    struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * Releases the lock; one of the waiters takes it. Returns 0; -EPERM, nothing
 * has changed: either another thread holds the lock, without
 * SFSHM_LOCK_DETACHED, or this thread's last handle was closed; -ESTALE,
 * *lock holds nothing, perhaps because sfshm_release_all() or another thread
 * has released or is releasing the lock; -ESHUTDOWN, the lock is released, but
 * the segment's file was removed meanwhile, so another thread may have held the
 * same lock; -ECHILD, the lock belongs to the parent process; or -EINVAL. With
 * SFSHM_LOCK_DETACHED also -EUSERS, -ENOSPC or -ENOMEM: the calling thread
 * could not be attached to the segment, and the lock is still held. Never
 * blocks.
 */
int sfshm_unlock(struct sfshm_lock *lock);

/*
 * Returns the generation of this hold, which grows with each hold of a key: a
 * fencing token. The resource that the lock protects can refuse a lower one
 * than it has seen. The generation of a shared hold is not below that of any
 * earlier hold, and is below that of the next hold that is not shared. Returns
 * 0 if *lock has never held a lock. Never blocks.
 */
uint64_t sfshm_lock_generation(const struct sfshm_lock *lock);

/*
 * Copies the first `size` bytes of the held lock's key to `buffer`. Returns the
 * length of the whole key; -ESTALE, *lock holds nothing; -EPERM, another thread
 * holds the lock, without SFSHM_LOCK_DETACHED; -ECHILD; -EINVAL; or -EBADMSG.
 * Never blocks.
 */
int sfshm_lock_key(const struct sfshm_lock *lock, void *buffer,
		   size_t size) SFSHM_CHECKED;

/*
 * Releases the lock if it is held. A variable declared as
 *
 *	SFSHM_LOCKED struct sfshm_lock lock = SFSHM_LOCK_INIT;
 *
 * is released on every way out of its block but longjmp(). Never blocks.
 */
void sfshm_lock_cleanup(struct sfshm_lock *lock);
#define SFSHM_LOCKED __attribute__((cleanup(sfshm_lock_cleanup)))

SFSHM_END_DECLS

#endif
