/* SPDX-License-Identifier: MIT */
#include <sfshm/release.h>

#include <errno.h>

#include "sync/detached.h"
#include "sync/move.h"
#include "top/detach.h"
#include "top/handle.h"
#include "top/succession.h"

/* Gives back what this thread has in the segment and its predecessors. */
static int release_thread(struct sfshm *h)
{
	struct mapping *map, *old;
	struct peer *p;
	int n = 0, r = handle_enter_newest(h, &p);

	if (r)
		return r;
	map = p->map;
	mapping_get(map);
	do {
		p = peer_attached(map, 0);
		if (p)
			n += (int)flight_give_back_all(p);
		old = mapping_predecessor(map);
		mapping_put(map);
		map = old;
	} while (map);
	return n;
}

/* Releases the flight whose control word is `ctl`, if it is still under way. */
static int release_flight(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct flight f = { .map = p->map, .slot = slot, .ctl = ctl };

	return ctl && flight_move(&f, p) && !flight_release(&f, p);
}

/* Returns how many things have been given back, 0 or 1, or an error. */
static int release_entry(const struct detached *d, uint64_t number)
{
	struct mapping *map;
	struct peer *p;
	int r;

	if (d->alone)
		return 1;
	map = mapping_get_serial(d->serial);
	if (!map)
		return 0;
	r = peer_attach(map, &p);
	if (!r && (d->lock || d->word)) {
		r = detach_give_back(d, p, number);
	} else if (!r) {
		r = release_flight(p, d->slot, d->ctl);
		release_flight(p, d->claim_slot, d->claim_ctl);
	}
	mapping_put(map);
	return r;
}

static int release_task(const struct sfshm *h, uint64_t task)
{
	uint64_t number;
	struct detached d;
	uint32_t at = 0;
	int n = 0, r;

	if (!h || load_acquire(&h->magic) != HANDLE_OPEN)
		return -EBADF;
	if (load_relaxed(&h->cookie) != process_cookie())
		return -ECHILD;
	while ((number = detached_claim_next(h, task, &at, &d))) {
		r = release_entry(&d, number);
		if (r < 0) {
			detached_unclaim(number);
			return r;
		}
		detached_free(number);
		n += r;
	}
	return n;
}

int sfshm_release_all(struct sfshm *handle, uint64_t task)
{
	int state = uncancelled_begin();
	int r = task ? release_task(handle, task) : release_thread(handle);

	uncancelled_end(state);
	return r;
}
