/* SPDX-License-Identifier: MIT */
/*
 * Would a wait never end?
 *
 * Who waits notes the slot in its record, a slot names its owner: that is the
 * wait-for graph, and each of its nodes has one way out at most. So a thread
 * that is about to sleep follows it from the slot it wants; if it comes back
 * to itself, all on the way wait for each other.
 *
 * The graph changes meanwhile. A way that was walked twice with the same
 * words, each of which carries a generation, was there in between, so what is
 * found is true. And none is missed: of those who close a circle the last to
 * note its wait sees all others' notes.
 */
#ifndef SYNC_DEADLOCK_H
#define SYNC_DEADLOCK_H

#include "store/slot.h"

/* Whether P, which has noted its wait for `slot`, waits for itself. */
bool deadlock_would_be(struct peer *p, uint32_t slot);

#endif
