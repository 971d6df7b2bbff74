/* SPDX-License-Identifier: MIT */
#include "sync/look.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys.h"
#include "store/evict.h"
#include "store/pin.h"
#include "sync/leader.h"
#include "sync/result.h"

#define LOOK_RETIRED (-EINPROGRESS)

int buf_reserve(struct sfshm_buf *b, size_t len)
{
	size_t cap = b->cap ? b->cap : 256;
	void *data;

	if (len <= b->cap)
		return 0;
	while (cap < len)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

uint64_t look_generation(struct field f, uint64_t ctl)
{
	uint64_t now = ctl_gen(ctl);

	return now - (uint32_t)((uint32_t)now - load_relaxed(&f.front->gen));
}

/*
 * ORDER-S1 pairs ORDER-S2
 * ORDER-S4 pairs ORDER-S3
 * ORDER-K2 pairs ORDER-K1
 * If any byte copied was of a later flight, this load sees that flight's claim.
 */
static uint64_t ctl_after_copy(const struct shm_slot *s)
{
	fence_acquire();
	return load_seq(&s->ctl);
}

static void fill_result(struct call *c, struct field f, uint64_t gen,
			uint64_t stored, uint64_t now)
{
	const struct answer a = {
		.source = c->wait.waited ? SFSHM_AWAITED : SFSHM_CACHED,
		.code = load_relaxed(&f.back->code),
		.uncached = !load_relaxed(&f.front->ttl_ms),
		.stale = c->stale,
		.coordinated = true,
		.generation = gen,
		.now = now,
		.stored = stored,
	};

	result_fill(c->result, &a);
}

static int fetch_value(struct call *c, struct field f, uint32_t len)
{
	struct sfshm_buf *b = &c->result->value;
	int r = 0;

	if (unlikely(len > b->cap))
		r = buf_reserve(b, len);
	if (unlikely(c->skip) && !r) {
		c->result->uncached |= c->outdated && !c->stale;
		return arena_read_long(c->self->map, load_relaxed(&f.back->ref),
				       c->skip, b->data, len);
	}
	if (likely(!r && len))
		r = arena_read(c->self->map, load_relaxed(&f.back->ref),
			       b->data, len);
	return r;
}

static int pin_value(struct call *c, struct field f, uint32_t len)
{
	*c->pin = len ? load_relaxed(&f.back->ref) : 0;
	c->pin_place = *c->pin ? pin_note(c->self, f.back, *c->pin) : -1;
	return c->pin_place == -EMFILE ? -EMFILE : 0;
}

/*
 * Reads the tags of the value that the slot had when it was seen as `ctl`, and
 * finds out if the value is outdated. Returns 0, -EAGAIN (the value has changed
 * meanwhile) or -EBADMSG.
 */
static __attribute__((noinline)) int read_tags(struct call *c, uint32_t slot,
					       uint64_t ctl)
{
	const struct mapping *map = c->self->map;
	struct field f = slot_value(map, slot, ctl);
	struct shm_tagging t;
	int r = tagging_read(map, load_relaxed(&f.back->ref), &t);

	if (!ctl_copy_whole(ctl, ctl_after_copy(&map->slots[slot])))
		return -EAGAIN;
	if (r)
		return r;
	c->skip = sizeof(t);
	c->outdated = tagging_is_outdated(map, &t);
	c->too_old = c->outdated && c->wait.tag_clock > t.stamp;
	if (c->tagging)
		*c->tagging = t;
	return 0;
}

static force_inline int look_at_tags(struct call *c, uint32_t slot,
				     uint64_t ctl)
{
	struct field f = slot_value(c->self->map, slot, ctl);

	c->skip = 0;
	c->outdated = c->too_old = false;
	if (likely(!tagging_in(load_relaxed(&f.front->when))) || !ctl_has(ctl))
		return 0;
	return read_tags(c, slot, ctl);
}

/*
 * Copies or pins the last good value. -EAGAIN: the value has changed meanwhile.
 */
static int take_value(struct call *c, uint32_t slot, uint64_t ctl,
		      struct field f, uint64_t now)
{
	const struct mapping *map = c->self->map;
	uint32_t len = load_relaxed(&f.back->len) - c->skip;
	uint64_t stored = front_stored(f.front);
	uint64_t gen = look_generation(f, ctl);
	int r;

	fill_result(c, f, gen, stored, now);
	if (unlikely(len > map->geometry.max_value))
		r = -EBADMSG;
	else if (unlikely(c->pin))
		r = pin_value(c, f, len);
	else
		r = fetch_value(c, f, len);
	c->result->value.len = r ? 0 : len;
	evict_note_hit(c->self->record, slot);
	if (likely(ctl_copy_whole(ctl, ctl_after_copy(&map->slots[slot]))))
		return r ? r : LOOK_HIT;
	if (c->pin && c->pin_place >= 0)
		pin_drop(c->self, c->pin_place, *c->pin);
	result_empty(c->result);
	peer_count(c->self, COUNT_rereads);
	return -EAGAIN;
}

/*
 * Copies a failure's message. -EAGAIN: the control word has changed meanwhile;
 * until it does, the message stays as it is (FLIGHT-T17).
 */
static int copy_error(struct call *c, const struct sighting *seen,
		      struct field f, uint64_t now)
{
	struct sfshm_result *res = c->result;
	uint32_t len = load_relaxed(&f.back->len);
	uint64_t stored = front_stored(f.front);
	int r = len < SFSHM_MESSAGE_MAX ? 0 : -EBADMSG;

	fill_result(c, f, look_generation(f, seen->ctl), stored, now);
	res->value.len = 0;
	if (!r && len)
		r = arena_read(c->self->map, load_relaxed(&f.back->ref),
			       res->message, len);
	if (!r)
		res->message[len] = '\0';
	if (ctl_after_copy(&c->self->map->slots[seen->slot]) != seen->ctl) {
		peer_count(c->self, COUNT_rereads);
		r = -EAGAIN;
	}
	if (r)
		result_empty(res);
	return r ? r : LOOK_FAILED;
}

/* Whether a result of generation `gen` is what this call waited for. */
static bool awaited(const struct call *c, uint64_t gen)
{
	return c->wait.joined && gen >= c->wait.joined;
}

/*
 * XFetch (Vattani, Chierichetti, Lowenstein, "Optimal probabilistic cache
 * stampede prevention", 2015): each caller draws a random multiple of the time
 * that the work takes, and leads if the value expires within that time.
 */
static bool early(const struct call *c, struct field f, uint64_t now)
{
	uint64_t stored = front_stored(f.front);
	uint32_t ttl = load_relaxed(&f.front->ttl_ms);
	double took, ahead, left;

	if (c->policy->beta <= 0 || ttl == UINT32_MAX ||
	    c->flags & SFSHM_FOLLOW)
		return false;
	took = (double)unscale_took(load_relaxed(&f.back->took));
	ahead = -log((double)((hash_draw() >> 11) + 1) * 0x1p-53);
	left = (double)ttl * 1e6 - (double)(now > stored ? now - stored : 0);
	return took * c->policy->beta * ahead >= left;
}

/* Whether the last good value serves as a fresh one. */
static bool serves(const struct call *c, struct field f, uint64_t ctl,
		   uint64_t now)
{
	if (unlikely(c->refused && look_generation(f, ctl) <= c->refused))
		return false;
	if (likely(!(c->flags & SFSHM_REFRESH) && !c->outdated &&
		   front_fresh(f.front, now)))
		return true;
	return !c->too_old && awaited(c, look_generation(f, ctl));
}

/*
 * Whether the last good value serves as a stale one: past its lifetime by less
 * than `ms`, or, for a call that settles, by less than settle_ms.
 */
static bool serves_stale(const struct call *c, struct field f, uint64_t ctl,
			 uint64_t now, uint64_t ms)
{
	if (!ctl_has(ctl) ||
	    (c->misfit && look_generation(f, ctl) <= c->misfit))
		return false;
	if (c->settles && c->settle_ms == UINT64_MAX)
		return true;
	if (c->settles)
		ms = c->settle_ms;
	else if (c->flags & SFSHM_REFRESH)
		return false;
	return ms && field_within(f, now, ms >= UINT32_MAX ? UINT64_MAX : ms);
}

/*
 * Takes the last good value as a stale one. `failed`: the value stands in for
 * the failure in the other field, and the result gets that failure's code.
 */
static int take_stale(struct call *c, const struct sighting *seen, uint64_t now,
		      bool failed)
{
	struct mapping *map = c->self->map;
	uint64_t ctl = seen->ctl;
	int code = 0, r;

	if (failed)
		code = load_relaxed(
			&slot_other(map, seen->slot, ctl).back->code);
	c->stale = true;
	r = take_value(c, seen->slot, ctl, slot_value(map, seen->slot, ctl),
		       now);
	c->stale = false;
	if (r != LOOK_HIT)
		return r;
	/* The next flight may have overwritten the failure meanwhile. */
	if (code && load_seq(&map->slots[seen->slot].ctl) != ctl)
		return -EAGAIN;
	c->result->code = code;
	return LOOK_HIT;
}

/*
 * A flight failed, and none has had a result since: finds out if the failure is
 * an answer for this caller. LOOK_CLAIMABLE: it is not.
 */
static int look_at_failure(struct call *c, const struct sighting *seen,
			   uint64_t now)
{
	const struct mapping *map = c->self->map;
	struct field error = slot_other(map, seen->slot, seen->ctl);
	struct field value = slot_value(map, seen->slot, seen->ctl);
	bool fresh = ctl_phase(seen->ctl) == PHASE_FAILED &&
		     !(c->flags & SFSHM_REFRESH) &&
		     front_fresh(error.front, now);

	if (!fresh && !awaited(c, look_generation(error, seen->ctl)))
		return LOOK_CLAIMABLE;
	if (load_relaxed(&error.back->code) == SHM_CODE_UNCACHEABLE)
		return copy_error(c, seen, error, now);
	if (c->flags & SFSHM_RETRY_ON_FAILURE)
		return LOOK_CLAIMABLE;
	/* -ENOENT says that the work found nothing; the work did not fail. */
	if (load_relaxed(&error.back->code) != -ENOENT &&
	    serves_stale(c, value, seen->ctl, now,
			 c->policy->stale_if_error_ms))
		return take_stale(c, seen, now, true);
	return copy_error(c, seen, error, now);
}

/*
 * A flight is under way. A stale value serves only while the flight's leader is
 * well: otherwise callers might take stale values for ever and not notice that
 * the leader is gone.
 */
static int look_at_busy(struct call *c, const struct sighting *seen,
			uint64_t now)
{
	struct field value = slot_value(c->self->map, seen->slot, seen->ctl);

	if (!serves_stale(c, value, seen->ctl, now, c->policy->grace_ms))
		return LOOK_BUSY;
	return leader_is_gone(c, seen) ? LOOK_OVERDUE :
					 take_stale(c, seen, now, false);
}

/*
 * Finds the old value, for a call that settles, or else a failure that serves.
 * LOOK_CLAIMABLE: there is neither.
 */
static int look_behind(struct call *c, const struct sighting *seen,
		       uint64_t now)
{
	struct field value = slot_value(c->self->map, seen->slot, seen->ctl);

	/* A lock has no results: its CTL_FAILED is LOCK_SHARED. */
	if (key_kind(&c->key) == SHM_LOCK)
		return LOOK_CLAIMABLE;
	if (c->settles && serves_stale(c, value, seen->ctl, now, 0))
		return take_stale(c, seen, now,
				  ctl_phase(seen->ctl) == PHASE_FAILED);
	return ctl_failed(seen->ctl) ? look_at_failure(c, seen, now) :
				       LOOK_CLAIMABLE;
}

/* Looks for another answer if no value is fresh. */
static int look_further(struct call *c, const struct sighting *seen,
			uint64_t now)
{
	int r = LOOK_CLAIMABLE;

	if (unlikely(c->settles || ctl_failed(seen->ctl)))
		r = look_behind(c, seen, now);
	if (r != LOOK_CLAIMABLE || !ctl_busy(seen->ctl))
		return r;
	return c->policy->grace_ms ? look_at_busy(c, seen, now) : LOOK_BUSY;
}

/* The value is fresh, but this caller may have to refresh it early. */
static int look_early(struct call *c, const struct sighting *seen,
		      struct field value, uint64_t now)
{
	bool must = !c->wait.joined &&
		    !load_relaxed(&c->self->map->slots[seen->slot].deaths) &&
		    early(c, value, now);

	if (must && ctl_busy(seen->ctl) && leader_is_gone(c, seen))
		return LOOK_OVERDUE;
	if (!must || ctl_busy(seen->ctl))
		return take_value(c, seen->slot, seen->ctl, value, now);
	peer_count(c->self, COUNT_early);
	return LOOK_CLAIMABLE;
}

static int look_at(struct call *c, const struct sighting *seen)
{
	const struct mapping *map = c->self->map;
	struct field value = slot_value(map, seen->slot, seen->ctl);
	uint64_t now = peer_clock(c->self, sys.coarse());
	int r = look_at_tags(c, seen->slot, seen->ctl);

	if (unlikely(r))
		return r;
	if (unlikely(!ctl_has(seen->ctl) || !serves(c, value, seen->ctl, now)))
		return look_further(c, seen, now);
	if (unlikely(c->policy->beta > 0))
		return look_early(c, seen, value, now);
	return take_value(c, seen->slot, seen->ctl, value, now);
}

int look_at_last(struct call *c, uint32_t slot, uint64_t ctl)
{
	struct field f = slot_value(c->self->map, slot, ctl);
	uint64_t now = peer_clock(c->self, sys.coarse());
	int r;

	if (!ctl_has(ctl))
		return LOOK_ABSENT;
	r = look_at_tags(c, slot, ctl);
	if (r)
		return r;
	c->stale = c->outdated || !front_fresh(f.front, now);
	return take_value(c, slot, ctl, f, now);
}

/* Whether the slot's fields hold a key's results in this phase. */
static bool readable(uint64_t ctl)
{
	return ctl_at_rest(ctl) || ctl_busy(ctl);
}

int look(struct call *c, struct sighting *seen)
{
	struct peer *p = c->self;

	for (unsigned int n = 0; n < LOOK_MOST_TRIES; n++) {
		int r;

		epoch_enter(p);
		r = table_find(p, &c->key, seen);
		if (likely(r == 1))
			r = readable(seen->ctl) ? look_at(c, seen) :
			    ctl_phase(seen->ctl) == PHASE_RETIRED ?
						  LOOK_RETIRED :
						  -EAGAIN;
		epoch_leave(p);
		if (r == LOOK_RETIRED)
			slot_unlink(p, seen->slot, seen->ctl);
		else if (likely(r != -EAGAIN))
			return r;
	}
	peer_count(p, COUNT_corrupt);
	return -EBADMSG;
}
