/* SPDX-License-Identifier: MIT */
/* What is done to keys without a flight: peek, forget, purge, count. */
#include <errno.h>
#include <limits.h>

#include "peer/liveness.h"
#include "sync/flight.h"

static int peek_here(struct call *c)
{
	struct sighting seen;
	int r = look(c, &seen);

	if (likely(r == LOOK_HIT)) {
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

/* What is in neither segment may have moved from the one to the other. */
static int peek_around(struct call *c)
{
	int r = flight_consult(c, flight_peek);

	return r == -ENODATA ? peek_here(c) : r;
}

int flight_peek(struct call *c, struct flight *unused)
{
	int r;

	(void)unused;
	peer_count(c->self, COUNT_gets);
	r = peek_here(c);
	if (unlikely(r == -ENODATA && !c->pin &&
		     load_relaxed(&c->self->map->predecessor)))
		r = peek_around(c);
	return r == -ENODATA && flight_moved(c) ? MOVED : r;
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

static int forget_here(struct call *c)
{
	struct sighting seen;
	int r = 0;

	for (int n = 0; n < LOOK_MOST_TRIES && (r = find(c, &seen)) == 1; n++) {
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
	if (r == 1)
		return -EBADMSG;
	return r < 0 ? r : -ENODATA;
}

int flight_forget(struct call *c, struct flight *unused)
{
	int here = forget_here(c);
	int there = flight_consult(c, flight_forget);

	(void)unused;
	if (flight_moved(c))
		return MOVED;
	if (here == 0 || here == -ENODATA)
		return there == -ENODATA ? here : there;
	return here;
}

static int purge_here(struct peer *p)
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

int flight_purge(struct peer *p)
{
	struct mapping *old = mapping_predecessor(p->map);
	struct peer *there;
	int n = purge_here(p), r;

	if (!old)
		return n;
	p->inside++;
	r = peer_attach(old, &there);
	if (!r)
		r = purge_here(there);
	p->inside--;
	mapping_put(old);
	if (r < 0)
		return r;
	return r > INT_MAX - n ? INT_MAX : n + r;
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
