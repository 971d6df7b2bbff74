/* SPDX-License-Identifier: MIT */
/*
 * The holder of a host's leases. It names the segment, not the process, so that
 * the next leader of the same host inherits a dead leader's lease. It mixes the
 * file's place and the boot's id with the segment's own seed: a copy of the
 * file, or the same file after a reboot, is another holder. After a resize the
 * holder is another one, too, and leases of the old one run out.
 */
#ifndef FLEET_HOLDER_H
#define FLEET_HOLDER_H

#include <sfshm/fleet-ops.h>

#include "segment/mapping.h"

void holder_of(const struct mapping *map, uint8_t holder[SFSHM_FLEET_HOLDER]);

#endif
