/* SPDX-License-Identifier: MIT */
/* Moving the end of a leader's lease. */
#include <errno.h>

#include "os/sys.h"
#include "sync/flight.h"

/*
 * Returns the length, ms, of a lease that began at `began` and ends `ms` from
 * now; 0: no lease. A lease too long for the word never ends.
 */
static uint32_t lease_from(uint64_t began, uint64_t now, uint32_t ms)
{
	uint64_t lease = (now > began ? now - began : 0) / NS_PER_MS + ms;

	if (!ms)
		return 0;
	return lease < SFSHM_FOREVER ? (uint32_t)lease : SFSHM_FOREVER;
}

uint32_t flight_lease_left(const struct flight *f)
{
	const struct shm_desk *cold = &f->map->cold[f->slot];
	uint32_t lease = load_relaxed(&cold->lease_ms);
	uint64_t now = sys.now(), from, age;

	if (!lease || lease == SFSHM_FOREVER)
		return 0;
	from = started_ns(load_relaxed(&cold->started), ctl_gen(f->ctl), now);
	age = (now > from ? now - from : 0) / NS_PER_MS;
	return age < lease ? lease - (uint32_t)age : 1;
}

/*
 * A leader may stop in this function until its flight is over and another
 * flight with the same lease is under way at the slot. Then this function
 * changes the other flight's lease, notices that, and changes it back. If the
 * thread stops again between these two changes, the other leader may seem
 * overdue, and the work may run twice.
 */
int flight_extend(const struct flight *f, uint32_t ms)
{
	struct shm_desk *cold = &f->map->cold[f->slot];
	uint64_t now = sys.now();
	uint64_t from =
		started_ns(load_relaxed(&cold->started), ctl_gen(f->ctl), now);
	uint32_t old = load_relaxed(&cold->lease_ms), new;
	struct peer *p = peer_attached(f->map, f->serial);
	bool moved;

	if (!flight_stands(f))
		return -ESTALE;
	new = lease_from(from, now, ms);
	moved = cas_relaxed(&cold->lease_ms, old, new);
	if (!flight_stands(f)) {
		if (moved)
			cas_relaxed(&cold->lease_ms, new, old);
		return -ESTALE;
	}
	if (p) {
		peer_count(p, COUNT_extensions);
		peer_note_active(p, now);
	}
	return 0;
}
