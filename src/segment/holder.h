/* SPDX-License-Identifier: MIT */
/*
 * The name by which a fleet's engine knows a segment. The engine is a store
 * that all hosts of the fleet reach; it gives out leases (docs/fleet.md).
 *
 * This name, the holder, is the segment's and not a process's. So the next
 * leader of the same host inherits a dead leader's lease. The holder is the
 * segment's own identity: a hash of the file's device and inode, the boot's id,
 * the segment's seed, and the time at which it was made. So a copy of the file,
 * or the same file after a reboot, is another holder. A successor is the
 * exception: it notes its predecessor's holder (fleet_holder), and its own
 * identity beside it (fleet_heir). The note counts only in the segment that has
 * this identity, so not in a copy of the file.
 */
#ifndef SEGMENT_HOLDER_H
#define SEGMENT_HOLDER_H

#include <sfshm/fleet-ops.h>

#include "segment/mapping.h"

void holder_of(const struct mapping *map, uint8_t holder[SFSHM_FLEET_HOLDER]);

/* Gives a successor that nobody has seen yet the same holder as `old`. */
void holder_pass(struct mapping *new, const struct mapping *old);

/*
 * Notes a token that an engine has given out. Each request names the highest
 * token noted, so an engine that has lost its writes still gives this segment
 * only tokens above that one.
 */
void holder_note_token(struct mapping *map, uint64_t token);

#endif
