/* SPDX-License-Identifier: MIT */
/* Giving back what a request or a thread has left behind. */
#ifndef SFSHM_RELEASE_H
#define SFSHM_RELEASE_H

#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/*
 * Gives back what a task or the calling thread still leads or holds, and leaves
 * the handle open. Call this at the end of a request, or before a thread
 * returns to its pool, if the request's code may have been cut short by
 * longjmp() or by an interpreter's exit.
 *
 * If `task` is not 0, the call releases each flight, lock and permit that was
 * begun or taken through this handle for this task with SFSHM_DETACHED,
 * SFSHM_LOCK_DETACHED or SFSHM_SEMAPHORE_DETACHED. If another thread is ending
 * one of them at this moment, the call leaves it to that thread. If `task` is
 * 0, the call gives back what the calling thread has in the handle's segment,
 * through any handle: flights, locks and permits without those flags, and pins.
 * Saves stay, because each has a file open.
 *
 * The call releases a flight as sfshm_release() does, and one of the followers
 * leads; but a thread's flight with SFSHM_FAIL_IF_LOST fails. Later calls on
 * what was given back return -ESTALE (a pin: -EINVAL) and change nothing.
 * Returns how many things the call has given back; or -EBADF, -ECHILD, -EUSERS,
 * -ENOSPC, -ESHUTDOWN, -ENOMEM, and some may be left: call again. Never blocks.
 * Thread-safe; not for signal handlers, nor for the callbacks of a policy. If
 * the caller dies inside, its death gives back the rest.
 */
int sfshm_release_all(struct sfshm *handle, uint64_t task);

SFSHM_END_DECLS

#endif
