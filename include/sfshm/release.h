/* SPDX-License-Identifier: MIT */
/* Giving back what a request or a thread has left behind. */
#ifndef SFSHM_RELEASE_H
#define SFSHM_RELEASE_H

#include <sfshm/segment.h>

SFSHM_BEGIN_DECLS

/*
 * Gives back what was left behind, without closing the handle: at the end of a
 * request, or before a thread returns to a pool, when the code in between may
 * have been left by longjmp() or by an interpreter's exit.
 *
 * With a task that is not 0: releases each flight that was begun through this
 * handle for this task with SFSHM_DETACHED. A flight that another thread is
 * ending at this moment is left to that thread. With task 0: gives back what
 * the calling thread has in the handle's segment, through any handle: flights
 * without SFSHM_DETACHED, locks, permits and pins. Saves stay: they have a file
 * open.
 *
 * A flight is released as by sfshm_release(): one of its followers leads. Later
 * calls on what was given back return -ESTALE (a pin: -EINVAL) and change
 * nothing. Returns how many things were given back; or -EBADF, -ECHILD,
 * -EUSERS, -ENOSPC, -ESHUTDOWN, -ENOMEM. Never blocks. Thread-safe; not for
 * signal handlers, nor for the callbacks of a policy.
 */
int sfshm_release_all(struct sfshm *handle, uint64_t task);

SFSHM_END_DECLS

#endif
