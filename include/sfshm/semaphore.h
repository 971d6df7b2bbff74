/* SPDX-License-Identifier: MIT */
/*
 * Counting semaphores: a limited number of permits, among the threads of all
 * processes that share a segment.
 *
 * A semaphore needs no set-up: its first use creates it. Each permit records
 * the thread that holds it. If a holder dies, its permits are returned at once,
 * and a waiter gets them. The idea comes from erllama's cache writer, whose
 * permits end with the processes that hold them.
 *
 * Semaphores have a name space of their own: the semaphore "a" and the value
 * "a" have nothing to do with each other. A semaphore takes one slot and 4 KiB
 * of the segment's value memory until a caller removes it; it is never evicted.
 *
 * Each call here is thread-safe and must not be made in a signal handler. A
 * thread's first call attaches the thread to the segment. If a thread ends, is
 * cancelled, dies, or closes its last handle of the segment, its permits are
 * returned. A permit belongs to the thread that took it, or with
 * SFSHM_SEMAPHORE_DETACHED to that thread's process; a forked child holds none.
 */
#ifndef SFSHM_SEMAPHORE_H
#define SFSHM_SEMAPHORE_H

#include <stddef.h>
#include <stdint.h>
#include <sfshm/cancel.h>
#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/* The largest number of permits that a semaphore can have. */
#define SFSHM_PERMITS_MAX 1000

enum sfshm_semaphore_flags {
	SFSHM_SEMAPHORE_TRY = 1 << 0, /* do not wait: -EBUSY if none is free */
	/* If the token has fired: -ECANCELED, even if a permit is free. */
	SFSHM_SEMAPHORE_CANCEL_FIRST = 1 << 1,
	/* On a wrong rank write a line to standard error and abort. */
	SFSHM_SEMAPHORE_ABORT = 1 << 2,
	/* The permit belongs to the process, not to the thread: see `task`. */
	SFSHM_SEMAPHORE_DETACHED = 1 << 3,
};

/*
 * Options for taking a permit. Zero-initialise it and set `size` to its sizeof.
 * With all other fields 0 the semaphore gets the default number of permits, and
 * the call waits without limit.
 */
struct sfshm_semaphore_options {
	size_t size;
	uint32_t flags; /* enum sfshm_semaphore_flags */
	/* Number of permits, 1 to SFSHM_PERMITS_MAX, if this call makes the
	   semaphore; 0: twice the processors online, plus one. An existing
	   semaphore keeps its number. */
	uint32_t max;
	uint32_t wait_timeout_ms; /* then -ETIMEDOUT; 0: no limit */
	/*
	 * 1 to SFSHM_LOCK_RANK_MAX, or 0: no rank. Locks (<sfshm/lock.h>) and
	 * permits share the ranks: a thread must take ranked locks and permits
	 * in strictly increasing rank, so it can hold only one of each rank.
	 */
	uint32_t rank;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; then -ETIMEDOUT; 0: none */
	struct sfshm_cancel *cancel; /* once fired: -ECANCELED; or NULL */
	/* Buffer for one line that names both ranks and both keys if the rank
	   is wrong; or NULL. */
	char *why;
	size_t why_size; /* bytes of `why` */
	/*
	 * With SFSHM_SEMAPHORE_DETACHED any thread of the process may return
	 * the permit; the first to do so wins. If the thread that took the
	 * permit ends (but not by a bare exit(2) system call) or closes its
	 * last handle, the permit stays held, as long as another thread of the
	 * process is attached to the segment. The permit is returned if the
	 * process dies or calls execve(2). It may be returned if a thread of
	 * the process ends by a bare exit(2). Such a permit has no rank.
	 *
	 * `task` is a number for the request or the coroutine that the permit
	 * is for; 0: none. A call whose task holds all the permits, or would
	 * wait for itself by way of other tasks of the process, gets -EDEADLK;
	 * a call with task 0 waits. sfshm_release_all() returns the permits
	 * that a task has left behind.
	 */
	uint64_t task;
};

#define SFSHM_SEMAPHORE_OPTIONS_INIT                           \
	{                                                      \
		.size = sizeof(struct sfshm_semaphore_options) \
	}

/* A permit. Only the library uses the contents; do not copy it. */
struct sfshm_permit {
	uint64_t opaque[8];
};

#define SFSHM_PERMIT_INIT       \
	{                       \
		.opaque = { 0 } \
	}

/*
 * Takes a permit of the semaphore `name` (1 to SFSHM_KEY_MAX bytes), makes the
 * semaphore if it is missing, and waits while all permits are held. `options`
 * may be NULL. Returns 0, and you hold a permit: return it with
 * sfshm_permit_release(). Or returns an error, and *permit holds nothing:
 *
 *   -EBUSY      SFSHM_SEMAPHORE_TRY: no permit is free, or another caller is
 *               just making the semaphore.
 *   -EDEADLK    Waiting would deadlock: this thread or the options' task holds
 *               all the permits, or the one thread or task that holds them
 *               waits for a flight, a lock or a permit of this thread or task.
 *               Release what this thread holds and begin anew. If several
 *               threads hold the permits of a semaphore, the call does not
 *               notice a deadlock through that semaphore.
 *   -EDOM       The rank is not above the ranks that this thread holds.
 *   -ETIMEDOUT, -ECANCELED  Your wait ended.
 *   -EMSGSIZE   The segment's max_value is below the 4 KiB of a semaphore.
 *   -ENOSPC     There is no room to make the semaphore.
 *   -ESHUTDOWN, -EUSERS, -EINVAL, -E2BIG, -ENAMETOOLONG, -EBADMSG, -EBADF,
 *   -ECHILD, -ENOMEM  As in <sfshm/errors.h>. -EINVAL also for
 *               SFSHM_SEMAPHORE_DETACHED with a rank.
 *
 * A thread may hold several permits. Waiters get permits in no particular
 * order. Later callers may overtake the waiters 16 times; then the next caller
 * lets a waiter go first: the caller waits, too, for 2 ms at most.
 *
 * The call takes a free permit even after the deadline, and without a system
 * call but a check of the segment's file twice a second. A fired token keeps
 * the call from a free permit only with SFSHM_SEMAPHORE_CANCEL_FIRST. A waiter
 * sleeps in the kernel; the sleep is a cancellation point, and signals do not
 * end it. If the caller dies inside, the permit that it may have got is
 * returned.
 */
int sfshm_acquire(struct sfshm *handle, const void *name, size_t name_len,
		  const struct sfshm_semaphore_options *options,
		  struct sfshm_permit *permit) SFSHM_CHECKED;

/*
 * Returns the permit to the semaphore; one of the waiters gets it. Idempotent:
 * does nothing for a permit that was returned already or never taken
 * (SFSHM_PERMIT_INIT). Returns 0; -ESHUTDOWN, the permit is returned, but the
 * segment's file was removed meanwhile, so more permits than the maximum may
 * have been held; -ESTALE, sfshm_release_all() has returned it; -EPERM, either
 * another thread took the permit, without SFSHM_SEMAPHORE_DETACHED, or this
 * thread's last handle was closed; -ECHILD, the permit belongs to the parent
 * process; -EINVAL; or -EBADMSG. Never blocks.
 *
 * If the permit was taken with SFSHM_SEMAPHORE_DETACHED, only the first call
 * returns 0 or -ESHUTDOWN. A call that comes after that one, or at the same
 * time, returns -ESTALE, and so does a call whose permit the process has lost.
 * -EUSERS, -ENOSPC or -ENOMEM: the calling thread could not be attached to the
 * segment, and the permit is still held.
 */
int sfshm_permit_release(struct sfshm_permit *permit);

/*
 * Returns the permit if it is held. A variable declared as
 *
 *	SFSHM_PERMITTED struct sfshm_permit permit = SFSHM_PERMIT_INIT;
 *
 * is returned on every way out of its block but longjmp(). Never blocks.
 */
void sfshm_permit_cleanup(struct sfshm_permit *permit);
#define SFSHM_PERMITTED __attribute__((cleanup(sfshm_permit_cleanup)))

/* The state of a semaphore. Zero-initialise it and set `size` to its sizeof. */
struct sfshm_semaphore_info {
	size_t size;
	uint32_t max;     /* number of permits */
	uint32_t in_use;  /* permits held; above max for a while after max was
			     lowered */
	uint32_t waiters; /* callers that wait for a permit, asleep or polled */
	uint32_t reserved;
};

#define SFSHM_SEMAPHORE_INFO_INIT                           \
	{                                                   \
		.size = sizeof(struct sfshm_semaphore_info) \
	}

/*
 * Reads the state of a semaphore without a lock: each number is as it was at
 * some moment of the call. First the call returns the permits of dead holders
 * to the semaphore. Returns 0; -ENODATA, there is no such semaphore; or
 * -EINVAL, -ENAMETOOLONG, -EUSERS, -ENOSPC, -ESHUTDOWN, -EBADMSG, -EBADF,
 * -ECHILD, -ENOMEM. Never waits for another caller.
 */
int sfshm_semaphore_info(struct sfshm *handle, const void *name,
			 size_t name_len,
			 struct sfshm_semaphore_info *info) SFSHM_CHECKED;

/*
 * Sets the number of permits to `max` (1 to SFSHM_PERMITS_MAX) while the
 * semaphore is in use; makes the semaphore if it is missing. If threads hold
 * more permits than `max`, they keep them, and no thread gets a permit until
 * enough have been returned. If there are more permits than before, the call
 * wakes waiters. Returns 0, or an error as sfshm_acquire(). Blocks only if
 * another caller is stopped while it makes the semaphore: for up to a second.
 */
int sfshm_semaphore_set_max(struct sfshm *handle, const void *name,
			    size_t name_len, uint32_t max) SFSHM_CHECKED;

/*
 * Removes a semaphore that nobody uses; permits of dead holders do not count.
 * Returns 0; -ENODATA, there is no such semaphore; -EBUSY, nothing has changed:
 * a thread holds a permit, waits for one or is just taking one, or during a
 * resize the old segment still has the semaphore; or an error as
 * sfshm_semaphore_info(). The next sfshm_acquire() makes the semaphore anew,
 * with the number of permits that its options ask for. Never waits for another
 * caller. If the caller dies inside, the semaphore is removed or it is not.
 */
int sfshm_semaphore_remove(struct sfshm *handle, const void *name,
			   size_t name_len) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
