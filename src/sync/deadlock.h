/* SPDX-License-Identifier: MIT */
/*
 * Finding waits that would never end.
 *
 * A waiter notes in its record the slot that it waits for, and a slot names its
 * owner. That is the wait-for graph; each of its nodes has at most one way out.
 * A thread that is about to sleep follows the graph from the slot that it
 * wants. If it comes back to itself, all threads on the way wait for each
 * other.
 *
 * The graph changes meanwhile. But a way that was walked twice with the same
 * words, each of which carries a generation, existed in between, so a deadlock
 * that is found is real. And no deadlock is missed: of the threads that close a
 * circle, the last one to note its wait sees all the other notes.
 */
#ifndef SYNC_DEADLOCK_H
#define SYNC_DEADLOCK_H

#include "store/slot.h"

/* Whether P, which has noted its wait for `slot`, waits for itself. */
bool deadlock_would_be(struct peer *p, uint32_t slot);

#endif
