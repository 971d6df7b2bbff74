/* SPDX-License-Identifier: MIT */
#include "sync/outcome.h"

#include "os/killpoint.h"
#include "os/sys.h"
#include "store/pin.h"

/*
 * Gives the field a chain for `len` bytes. Keeps the field's own chain if that
 * has the right number of granules, unless it is made of spare granules and
 * `spare` is false. Else frees it and builds another. Whenever the field's
 * reference is valid (ARENA-4), the field's `len` fits the chain.
 */
static int fit_chain(struct peer *p, uint32_t slot, struct shm_back *f,
		     uint32_t len, bool spare)
{
	uint32_t need = granules_for(len), ref;
	int r;

	pin_make_way(p, slot, f);
	ref = load_relaxed(&f->ref);
	if (likely(arena_is_live(p->map, slot, ref) &&
		   granules_for(load_relaxed(&f->len)) == need &&
		   (need > 1 || ref == arena_head(ref)) &&
		   (spare || !arena_is_spare(p->map, ref)))) {
		store_relaxed(&f->len, len);
		return 0;
	}
	arena_free(p, slot, &f->ref);
	store_relaxed(&f->len, len);
	if (!need)
		return 0;
	r = spare     ? arena_build_spare(p, need, &ref) :
	    need == 1 ? arena_build_one(p, slot, &ref) :
			arena_build(p, need, &ref);
	if (r) {
		store_relaxed(&f->len, 0);
		return r;
	}
	arena_hand_over(p, slot, &f->ref);
	return 0;
}

/*
 * Notes how long the work has run. Returns the time scaled; 0 if the value was
 * moved.
 */
static uint8_t took(const struct flight *f, struct peer *p, uint64_t now)
{
	int64_t ns =
		started_ago(load_relaxed(&f->map->cold[f->slot].started), now);

	p->took = ns > 0 ? (uint64_t)ns : 0;
	return p->took && !f->stored ? scale_took(p->took) : 0;
}

/*
 * The low bits of `when`: length + 1 of an empty or inline value, WHEN_TAGGED
 * of one with tags, else 0.
 */
static uint64_t small(const struct mapping *map, uint32_t slot,
		      const struct shm_back *back, uint32_t len, uint32_t head)
{
	if (unlikely(head))
		return WHEN_TAGGED;
	return !len || (len <= SHM_GRANULE &&
			arena_is_inline(map, slot, load_relaxed(&back->ref))) ?
		       len + 1 :
		       0;
}

/* Copies the flight's tags, if they are part of the outcome, and the bytes. */
static force_inline int write_bytes(const struct flight *f,
				    const struct shm_back *back,
				    const struct outcome *o, uint32_t head)
{
	uint32_t ref = load_relaxed(&back->ref), first = arena_head(ref);

	if (likely(!head))
		return o->len ? arena_write(f->map, ref, o->iov, o->count) : 0;
	if (!tag_at(f->map, first))
		return -EBADMSG;
	copy_torn(granule_at(f->map, first - 1), &f->tagging, head);
	return arena_write_long(f->map, ref, head, o->iov, o->count);
}

on_waking int outcome_write(struct flight *f, struct peer *p,
			    const struct outcome *o)
{
	/* Failures carry no tags. */
	uint32_t head = o->code ? 0 : flight_head(f);
	struct field field = slot_other(p->map, f->slot, f->ctl);
	uint64_t coarse = sys.coarse(), now = peer_clock(p, coarse);
	uint8_t scaled = took(f, p, coarse);
	int r;

	fence_release();
	/*
	 * From here on this leader's death does not make the flight FAILED
	 * (FLIGHT-T19).
	 */
	store_relaxed(&field.back->code, 0);
	compiler_barrier();
	r = fit_chain(p, f->slot, field.back, o->len + head, o->spare);
	if (!r)
		r = write_bytes(f, field.back, o, head);
	if (r)
		return r;
	store_relaxed(&field.back->code, o->code);
	store_relaxed(&field.back->keep, scale_ms(o->keep_ms));
	store_relaxed(&field.back->took, scaled);
	/*
	 * A moved value gets an earlier `gen`, so that no waiter here takes it.
	 */
	store_relaxed(&field.front->gen,
		      (uint32_t)ctl_gen(f->ctl) - (f->stored != 0));
	store_relaxed(&field.front->ttl_ms, f->invalidated ? 0 : o->ttl_ms);
	store_relaxed(&field.front->when,
		      ((f->stored ? f->stored : now) & ~WHEN_SMALL) |
			      small(p->map, f->slot, field.back, o->len, head));
	kill_point(publish_written);
	return 0;
}
