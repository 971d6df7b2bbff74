/* SPDX-License-Identifier: MIT */
/*
 * The public calls on flights that are safe in any thread of the leader's
 * process, even while another thread ends the flight.
 */
#include <errno.h>

#include "peer/wait.h"
#include "sync/claim.h"
#include "top/call.h"

/*
 * A copy of a flight for a thread that may not be its leader. While that thread
 * reads the flight, the leader may end it or give up an old value (FLIGHT-T16),
 * and the process may drop the mapping. Therefore the thread copies each field
 * once, and then uses only the copy.
 */
struct grip {
	struct flight f;      /* only the fields that flight_extend() reads */
	struct mapping *held; /* a reference; NULL: the thread is attached */
};

/* Copies the flight, and makes sure that its mapping stays until let_go(). */
static int reach(const struct flight *f, struct grip *g)
{
	g->held = NULL;
	g->f.map = load_relaxed(&f->map);
	if (!g->f.map)
		return -ESTALE;
	g->f.cookie = load_relaxed(&f->cookie);
	g->f.life = load_relaxed(&f->life);
	g->f.serial = load_relaxed(&f->serial);
	g->f.ctl = load_relaxed(&f->ctl);
	g->f.slot = load_relaxed(&f->slot);
	if (g->f.cookie != process_cookie())
		return -ECHILD;
	if (peer_attached(g->f.map, g->f.serial))
		return 0;
	g->held = mapping_get_serial(g->f.serial);
	return g->held ? 0 : -ESTALE;
}

static void let_go(struct grip *g)
{
	if (g->held)
		mapping_put(g->held);
}

/* Adds a flight's waiters to *n; sets *ever if any caller has ever waited. */
static int waiters_of(const struct flight *f, uint32_t *n, bool *ever)
{
	struct grip g;
	int r = reach(f, &g);

	if (r)
		return r;
	if (flight_stands(&g.f)) {
		*ever |= (load_seq(&g.f.map->cold[g.f.slot].event) &
			  EVENT_AWAITED) != 0;
		*n += peer_waiters(g.f.map, g.f.slot);
	} else {
		r = -ESTALE;
	}
	let_go(&g);
	return r;
}

/* Counts the waiters of a flight and of its claim. */
static int waiters(const struct flight *f, uint32_t *n, bool *ever)
{
	const struct flight *claim = claim_of(f);
	int r = waiters_of(f, n, ever);

	if (!r && claim)
		(void)waiters_of(claim, n, ever);
	return r;
}

uint32_t sfshm_flight_waiters(const struct sfshm_flight *flight)
{
	const struct flight *f = flight_of(flight);
	uint32_t n = 0;
	bool ever = false;

	return waiters(f, &n, &ever) ? 0 : n;
}

int sfshm_abandoned(const struct sfshm_flight *flight)
{
	const struct flight *f = flight_of(flight);
	bool ever = false;
	uint32_t n = 0;
	int r;

	if (!f)
		return -EINVAL;
	if (load_relaxed(&f->alone))
		return 0;
	r = waiters(f, &n, &ever);
	return r ? r : ever && !n;
}

static int extend(const struct flight *f, uint32_t ms)
{
	struct grip g;
	int r = reach(f, &g);

	if (r)
		return r;
	r = flight_extend(&g.f, ms);
	let_go(&g);
	return r;
}

int sfshm_extend(struct sfshm_flight *flight, uint32_t ms)
{
	struct flight *f = flight_of(flight), *claim;
	int r;

	if (!f)
		return -EINVAL;
	if (load_relaxed(&f->alone))
		return 0;
	r = extend(f, ms);
	claim = claim_of(f);
	return !r && claim ? extend(claim, ms) : r;
}
