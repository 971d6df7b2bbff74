/* SPDX-License-Identifier: MIT */
/*
 * Segments whose file is removed while processes use it: by rm, by mv over it,
 * or by logind's RemoveIPC.
 *
 * A caller that then opens the name gets another segment, so a key may have two
 * leaders, one in each. A process notices only if it asks the kernel. Hence:
 *
 *  REMOVAL-1. Each process that uses a segment checks the segment's file twice
 *      a second at most, in the calls and waits of its threads, and whenever a
 *      thread attaches. A process that finds the file removed sets `moved` to
 *      SHM_REMOVED, by a CAS, and wakes the sleepers. The other processes see
 *      `moved` at their next call: every call loads it.
 *  REMOVAL-2. No flight begins in a segment marked as removed (SUCCESSION-2 in
 *      top/succession.h). A holder whose flight, lock or permit ends there gets
 *      -ESHUTDOWN.
 *  REMOVAL-3. A thread that attaches takes its byte lock, then checks the file.
 *      A new segment under the name is made after the removal. So the new
 *      segment's creator finds that lock (top/removed.h), or the thread finds
 *      the file removed.
 *  REMOVAL-4. A segment that had no name when it was opened (a memfd), or has a
 *      successor, does not count as removed.
 *
 *   a check finds                          and takes the segment as
 *   no link is left                        removed
 *   its name, in the folder that it was    removed, unless "NAME~" leads to the
 *   opened in, is another file's           file (a resize): the resizer sets
 *                                          `moved` itself in a moment
 *   its name leads nowhere, or into        not removed: the file may be hidden
 *   another folder or file system          from this process (chroot, mounts)
 */
#ifndef PEER_REMOVAL_H
#define PEER_REMOVAL_H

#include "os/sys.h"
#include "segment/mapping.h"

/* How often a process checks the file, ns. Tests change it. */
extern uint64_t removal_every_ns;

static inline bool removal_is_due(const struct mapping *map, uint64_t coarse)
{
	return unlikely(coarse >= load_relaxed(&map->look_at));
}

/* Whether the segment is marked as removed (REMOVAL-2). */
static inline bool removal_known(const struct mapping *map)
{
	return unlikely(load_acquire(&map->header->moved) == SHM_REMOVED);
}

/* Checks the file (REMOVAL-1), due or not; `coarse` is the coarse time now. */
void removal_look(struct mapping *map, uint64_t coarse);

/* Checks the file (REMOVAL-1) if that is due. */
static inline void removal_look_if_due(struct mapping *map)
{
	uint64_t now = sys.coarse();

	if (removal_is_due(map, now))
		removal_look(map, now);
}

/* Marks the segment as removed, and wakes those that sleep at its slots. */
void removal_mark(struct mapping *map);

/* Whether the file has no link left, by fstat(2). */
bool removal_seen(struct mapping *map);

#endif
