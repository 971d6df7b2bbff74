/* SPDX-License-Identifier: MIT */
/*
 * What a segment is to a fleet's engine.
 *
 * The holder of a host's leases names the segment, not the process, so that the
 * next leader of the same host inherits a dead leader's lease. The segment's
 * own identity mixes the file's place and the boot's id with the segment's own
 * seed: a copy of the file, or the same file after a reboot, is another holder.
 * A successor notes its predecessor's holder beside its own identity; the note
 * counts only where that identity is the segment's.
 */
#ifndef SEGMENT_HOLDER_H
#define SEGMENT_HOLDER_H

#include <sfshm/fleet-ops.h>

#include "segment/mapping.h"

void holder_of(const struct mapping *map, uint8_t holder[SFSHM_FLEET_HOLDER]);

/* Makes a successor that nobody else has seen the same holder as `old`. */
void holder_pass(struct mapping *new, const struct mapping *old);

/*
 * Notes a token that an engine has given out. An engine that has lost its
 * writes gives this segment none that is not above the highest one noted.
 */
void holder_note_token(struct mapping *map, uint64_t token);

#endif
