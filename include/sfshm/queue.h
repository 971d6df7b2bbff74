/* SPDX-License-Identifier: MIT */
/*
 * Waits that an event loop polls, for flights, locks and permits.
 *
 * sfshm_begin(), sfshm_lock() and sfshm_acquire() sleep while another caller
 * leads the flight, holds the lock, or others hold all permits.
 * sfshm_begin_async(), sfshm_lock_async() and sfshm_acquire_async() return
 * -EINPROGRESS instead, and the wait goes on by itself. Waits belong to a
 * queue, which has one descriptor for poll(2), epoll(7) and the like. A program
 * has a queue for each event loop:
 *
 *	epoll: sfshm_queue_fd(queue) is readable:
 *		while (sfshm_queue_next(queue, &wait) == 1)
 *			r = sfshm_wait_finish(queue, &wait, &flight, &result);
 *
 * Each kind of wait has a call of its own that finishes it; wait.data tells the
 * loop which. A call of another kind returns -EINVAL, and the wait goes on.
 *
 * A process may have many thousands of waits. One thread of the library watches
 * them all; it exists while there is a wait, and for a second after the last
 * one. It takes nothing: only the call that finishes a wait leads the flight,
 * or takes the lock or permit. So a loop that is stuck keeps nobody else from
 * them. Begin waits with SFSHM_DETACHED, SFSHM_LOCK_DETACHED or
 * SFSHM_SEMAPHORE_DETACHED, so that any thread may end the flight, or give the
 * lock or permit back. Give each connection a task of its own (the options'
 * `task`): a connection that would wait for itself then gets -EDEADLK.
 *
 * Each call here is thread-safe and must not be made in a signal handler. Only
 * sfshm_queue_close() can sleep. In a forked child every other call returns
 * -ECHILD for a queue of the parent.
 */
#ifndef SFSHM_QUEUE_H
#define SFSHM_QUEUE_H

#include <sfshm/flight.h>
#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

SFSHM_BEGIN_DECLS

struct sfshm_queue;

/* A wait. A copy is as good as the original. */
struct sfshm_wait {
	uint64_t number; /* set by the call that begins the wait; 0: none */
	void *data;      /* the caller's; the library hands it back */
};

/*
 * Makes a queue. Returns 0; -EINVAL; -ENOMEM; -EMFILE or -ENFILE: there is no
 * descriptor left.
 */
int sfshm_queue_open(struct sfshm_queue **queue) SFSHM_CHECKED;

/*
 * Returns the queue's descriptor, which is readable while sfshm_queue_next()
 * has a wait to return; or -EINVAL, -ECHILD. If the loop finishes or cancels a
 * wait that sfshm_queue_next() has not returned, the descriptor may be readable
 * although there is no wait to return, until the next sfshm_queue_next(). Only
 * poll the descriptor: do not read, write or close it.
 */
int sfshm_queue_fd(const struct sfshm_queue *queue) SFSHM_CHECKED;

/*
 * For a loop that can connect to a socket and read from it, but cannot poll a
 * descriptor (nginx's Lua): makes a Unix stream socket of mode 0600 that
 * listens at `path`, of 107 bytes at most. The loop then connects to `path`,
 * and calls sfshm_queue_accept(). If a socket of this user is at `path` where
 * nobody listens, the call replaces it. Ends an earlier listening of the queue.
 * Never blocks. If the caller dies before sfshm_queue_accept() has returned 0,
 * `path` stays, until a later call replaces it; a child that was forked
 * meanwhile, and lives, keeps it from being replaced until that child closes
 * the queue. Let no two processes use one path at a time. Returns 0;
 * -EADDRINUSE, there is something else at `path`; -ENAMETOOLONG, -EINVAL,
 * -ECHILD, -ENOMEM; or another negated errno value of socket(2) or bind(2).
 */
int sfshm_queue_listen(struct sfshm_queue *queue,
		       const char *path) SFSHM_CHECKED;

/*
 * Accepts the loop's connection, removes the path and stops listening. From now
 * on the library sends a byte where it would make the queue's descriptor
 * readable, which it no longer does: when the loop has read any bytes, it calls
 * sfshm_queue_next() until that returns 0. It does so right after this call,
 * too. The connection must be this process's own; those of others are closed.
 * If the loop closes its end, it listens, connects and accepts anew. Never
 * blocks. Returns 0; -EAGAIN, the loop has not connected yet; -EINVAL, the
 * queue does not listen; -ECHILD; or another negated errno value of accept(2).
 */
int sfshm_queue_accept(struct sfshm_queue *queue) SFSHM_CHECKED;

/*
 * Returns 1 with the next wait that may be over in *wait; 0, there is none; or
 * -EINVAL, -ECHILD. The call returns a wait once, and again only after the call
 * that finishes it has returned -EINPROGRESS.
 */
int sfshm_queue_next(struct sfshm_queue *queue,
		     struct sfshm_wait *wait) SFSHM_CHECKED;

/*
 * Cancels all waits of the queue, and frees it. No other thread may be in a
 * call with the queue. If this is the last queue of the process, the call also
 * ends the library's thread, and waits for its end. Flights that the process
 * leads go on. In a forked child, frees the child's copy and closes its
 * descriptor. Returns 0 or -EINVAL.
 */
int sfshm_queue_close(struct sfshm_queue *queue);

/*
 * sfshm_begin() for an event loop: returns as that call does, or
 *
 *   -EINPROGRESS  Another caller leads. The wait goes on: *wait has its number,
 *                 and the queue's descriptor becomes readable when the wait may
 *                 be over. The key and the policy are copied; what the policy
 *                 points to must stay until the wait is over.
 *   -EOPNOTSUPP   The policy names a claim key; or the call would have to wait,
 *                 and the library's thread does not run: it cannot be started,
 *                 or the environment has SFSHM_NO_THREADS set to anything but
 *                 "".
 *
 * Set wait->data before the call. wait->number is 0 after any other return
 * value than -EINPROGRESS. `flight` may be NULL with SFSHM_FOLLOW. The policy's
 * wait_timeout_ms counts from this call; SFSHM_INTR and `interrupted` are
 * ignored. The calling thread may wait for a flight that it leads itself;
 * -EDEADLK is for a policy.task that leads the key, or would wait for itself by
 * way of other tasks of the process. The wait counts for max_waiters,
 * sfshm_flight_waiters() and sfshm_abandoned() as that of a sleeping thread
 * does, but only until the end of the thread that made the last call for this
 * wait.
 */
int sfshm_begin_async(struct sfshm_queue *queue, struct sfshm *handle,
		      const void *key, size_t key_len,
		      const struct sfshm_policy *policy,
		      struct sfshm_flight *flight, struct sfshm_result *result,
		      struct sfshm_wait *wait) SFSHM_CHECKED;

/*
 * Finishes a wait. Any thread may try at any time, even before
 * sfshm_queue_next() has returned the wait. Returns as sfshm_begin_async(), or
 * as below. The wait is over after any value but -EINPROGRESS, -EBUSY, -EINVAL
 * and -ECHILD. -EINVAL also for a wait that is not for a flight.
 *
 *   -ESTALE     The wait was over already, or was cancelled.
 *   -EBUSY      Another thread is finishing the wait.
 *   -ESHUTDOWN  The handle was closed, or as in sfshm_begin().
 *
 * The result is that of the flight that the wait joined, or of a later one. If
 * the loop comes late, and the segment has dropped the result meanwhile, the
 * call asks for the key anew, and may lead. `fresh` and `fits` run in here.
 */
int sfshm_wait_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		      struct sfshm_flight *flight,
		      struct sfshm_result *result) SFSHM_CHECKED;

/*
 * sfshm_lock() for an event loop: returns as that call does, or
 *
 *   -EINPROGRESS  Another caller holds the lock. The wait goes on: *wait has
 *                 its number, and the queue's descriptor becomes readable when
 *                 the lock may be free. The key and the options are copied;
 *                 what the options point to must stay until the wait is over.
 *   -EOPNOTSUPP   The call would have to wait, and the library's thread does
 *                 not run, as with sfshm_begin_async().
 *
 * Set wait->data before the call. wait->number is 0 after any other return
 * value than -EINPROGRESS. wait_timeout_ms counts from this call. If the
 * calling thread holds the lock itself, the wait goes on, too; with
 * SFSHM_LOCK_OWN_IS_BUSY the call returns -EBUSY instead. So -EDEADLK is for
 * options.task, which holds the lock, or would wait for itself by way of other
 * tasks of the process; and for a thread that gives a rank and holds the lock
 * itself. Without SFSHM_LOCK_DETACHED the lock belongs to the thread whose call
 * returns 0 or SFSHM_OWNER_DIED. Each call checks the rank against what the
 * calling thread holds.
 *
 * The wait counts as that of a sleeping thread does, and callers overtake it no
 * more often: see sfshm_lock(). A release wakes one sleeping thread and all
 * waits that are polled; the first call that finishes its wait gets the lock.
 * Shared holds differ in one point: a polled wait for a lock alone does not
 * keep other callers from sharing the lock. Each of them lets the wait go
 * first, but for 2 ms at most. If threads always share a lock for longer than
 * that, take it alone by sfshm_lock(), in a thread.
 */
int sfshm_lock_async(struct sfshm_queue *queue, struct sfshm *handle,
		     const void *key, size_t key_len,
		     const struct sfshm_lock_options *options,
		     struct sfshm_lock *lock,
		     struct sfshm_wait *wait) SFSHM_CHECKED;

/*
 * Finishes a wait for a lock. Any thread may try at any time, even before
 * sfshm_queue_next() has returned the wait. Returns as sfshm_lock_async(), or
 * -ESTALE, -EBUSY, -ESHUTDOWN as sfshm_wait_finish(); the wait is over after
 * any value but -EINPROGRESS, -EBUSY, -EINVAL and -ECHILD. -EINVAL also for a
 * wait that is not for a lock.
 */
int sfshm_wait_finish_lock(struct sfshm_queue *queue,
			   const struct sfshm_wait *wait,
			   struct sfshm_lock *lock) SFSHM_CHECKED;

/*
 * sfshm_acquire() for an event loop: returns as that call does, or -EINPROGRESS
 * (all permits are held, or another caller is making the semaphore) or
 * -EOPNOTSUPP. The comment on sfshm_lock_async() is true of permits, too, where
 * it speaks of the wait's number, the time-out, the rank, the calling thread,
 * the task, and the thread to which the lock belongs.
 *
 * The wait counts in sfshm_semaphore_info() as that of a sleeping thread does,
 * and callers overtake it no more often. A permit that is returned wakes one
 * sleeping thread and all waits that are polled.
 */
int sfshm_acquire_async(struct sfshm_queue *queue, struct sfshm *handle,
			const void *name, size_t name_len,
			const struct sfshm_semaphore_options *options,
			struct sfshm_permit *permit,
			struct sfshm_wait *wait) SFSHM_CHECKED;

/* Finishes a wait for a permit, as sfshm_wait_finish_lock() does for a lock. */
int sfshm_wait_finish_permit(struct sfshm_queue *queue,
			     const struct sfshm_wait *wait,
			     struct sfshm_permit *permit) SFSHM_CHECKED;

/*
 * Ends a wait of any kind without a result. Returns 0; -ESTALE, it is over;
 * -EBUSY, another thread is finishing it; -EINVAL or -ECHILD. The flight goes
 * on, and holders keep the lock or the permits.
 */
int sfshm_wait_cancel(struct sfshm_queue *queue, const struct sfshm_wait *wait);

SFSHM_END_DECLS

#endif
