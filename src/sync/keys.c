/* SPDX-License-Identifier: MIT */
/* What is done to keys without a flight: peek, forget, purge, count. */
#include <errno.h>
#include <limits.h>

#include "peer/liveness.h"
#include "sync/flight.h"

int flight_peek(struct call *c)
{
	struct sighting seen;
	int r;

	peer_count(c->self, COUNT_gets);
	r = look(c, &seen);
	if (r == LOOK_HIT) {
		peer_count(c->self, COUNT_hits);
		c->result->code = 0;
		return SFSHM_CACHED;
	}
	if (r == LOOK_FAILED) {
		peer_count(c->self, COUNT_neg_hits);
		return c->result->code == -ENOENT ? -ENOENT : -EREMOTEIO;
	}
	return r < 0 ? r : -ENODATA;
}

static int find(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;
	int r;

	do {
		epoch_enter(p);
		r = table_find(p, &c->key, seen);
		epoch_leave(p);
	} while (r == -EAGAIN);
	return r;
}

int flight_forget(struct call *c)
{
	struct sighting seen;
	int r;

	while ((r = find(c, &seen)) == 1) {
		if (ctl_busy(seen.ctl))
			return -EBUSY;
		if (ctl_phase(seen.ctl) == PHASE_RETIRED)
			slot_unlink(c->self, seen.slot, seen.ctl);
		if (!ctl_at_rest(seen.ctl))
			continue;
		if (slot_retire(c->self, seen.slot, seen.ctl)) {
			peer_count(c->self, COUNT_forgets);
			return 0;
		}
	}
	return r < 0 ? r : -ENODATA;
}

int flight_purge(struct peer *p)
{
	uint32_t used = slots_used(p->map);
	int n = 0;

	for (uint32_t i = 0; i < used; i++) {
		uint64_t c = load_seq(&p->map->slots[i].ctl);

		if (!ctl_at_rest(c) || !slot_retire(p, i, c))
			continue;
		peer_count(p, COUNT_forgets);
		n += n < INT_MAX;
	}
	return n;
}

uint32_t flight_waiters(const struct mapping *map, uint32_t slot)
{
	uint32_t used = participants_used(map), n = 0;

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];
		uint32_t word;

		n += load_relaxed(&rec->wait_slot) == slot + 1 &&
		     !life_proven_dead(map, rec, &word);
	}
	return n;
}
