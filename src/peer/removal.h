/* SPDX-License-Identifier: MIT */
/*
 * Segments whose file goes away under their users: by rm, by logind's RemoveIPC,
 * by mv over it.
 *
 * Who opens the name then gets another segment, so a key may have two leaders,
 * one in each. A process that never enters the kernel cannot know, so:
 *
 *  REMOVAL-1. Each process that uses a segment looks after its file twice a
 *      second: as it begins, ends, waits, or attaches. Who sees that it is
 *      removed sets `moved` to SHM_REMOVED, by a CAS, and wakes all sleepers.
 *      The others see it at their next call, by the load that every call makes.
 *  REMOVAL-2. So no flight begins there from then on (SUCCESSION-2 in
 *      top/succession.h), and everything that ends there says so to its holder,
 *      by -ESHUTDOWN.
 *  REMOVAL-3. Who attaches looks after it has its byte lock. So who makes the
 *      new segment, which is after the removal, finds that lock, or the
 *      attacher finds the file removed.
 *  REMOVAL-4. Nothing is removed that had no name when it was opened (a memfd),
 *      or has a successor.
 *
 *   the file's look                        what it says
 *   no link is left                        removed
 *   its name, in the folder that it was    removed, unless it is the alias
 *   opened in, is another file's           of a resize ("NAME~"), which says
 *                                          `moved` itself in a moment
 *   its name leads nowhere, or into        nothing: it may be hidden from
 *   another folder                         this process (chroot, mounts)
 */
#ifndef PEER_REMOVAL_H
#define PEER_REMOVAL_H

#include "os/sys.h"
#include "segment/mapping.h"

/* How often a process looks, ns. Tests make it another one. */
extern uint64_t removal_every_ns;

static inline bool removal_is_due(const struct mapping *map, uint64_t coarse)
{
	return unlikely(coarse >= load_relaxed(&map->look_at));
}

/* If so, no flight begins here (REMOVAL-2). */
static inline bool removal_known(const struct mapping *map)
{
	return unlikely(load_acquire(&map->header->moved) == SHM_REMOVED);
}

/* REMOVAL-1, whether it is time for it or not; `coarse` is now. */
void removal_look(struct mapping *map, uint64_t coarse);

/* ... if it is time. */
static inline void removal_look_if_due(struct mapping *map)
{
	uint64_t now = sys.coarse();

	if (removal_is_due(map, now))
		removal_look(map, now);
}

/* Says that the segment is removed, for who knows. */
void removal_mark(struct mapping *map);

/* No link to the file is left, as its descriptor says. */
bool removal_seen(struct mapping *map);

#endif
