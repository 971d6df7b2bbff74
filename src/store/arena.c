/* SPDX-License-Identifier: MIT */
#include "store/arena.h"

#include <errno.h>

#include "os/killpoint.h"
#include "segment/reserve.h"
#include "store/scan.h"

arena_reclaim_fn arena_reclaim;
arena_harvest_fn arena_harvest;

/*
 * Frees the chain at record->doomed. Makes each granule P's own before `doomed`
 * names it. `doomed_pending` names each granule that is cut off, until its tag
 * is FREE. So ARENA-3 holds at every step.
 */
static void free_doomed(struct peer *p)
{
	struct shm_participant *rec = p->record;
	uint32_t ref = load_relaxed(&rec->doomed);
	uint32_t left = p->map->geometry.granules;
	uint32_t first = ref;
	uint64_t *tag, *after;

	while ((tag = tag_at(p->map, ref)) && left--) {
		uint32_t next = tag_next(load_relaxed(tag));

		after = tag_at(p->map, next);
		if (after)
			store_relaxed(after,
				      tag_owned(p,
						tag_next(load_relaxed(after))));
		store_relaxed(&rec->doomed_pending, ref);
		compiler_barrier();
		store_relaxed(&rec->doomed, after ? next : 0);
		compiler_barrier();
		kill_point(arena_freeing);
		/* ORDER-A2 pairs ORDER-A1 */
		store_release(tag, 0);
		p->freed++;
		if (next != ref + 1) {
			scan_note_run(p, first, ref + 1 - first);
			first = next;
		}
		ref = next;
	}
	compiler_barrier();
	store_relaxed(&rec->doomed_pending, 0);
	store_relaxed(&rec->doomed, 0);
}

static void drop_build(struct peer *p)
{
	struct shm_participant *rec = p->record;

	store_relaxed(&rec->build_pending, 0);
	compiler_barrier();
	store_relaxed(&rec->doomed, load_relaxed(&rec->build));
	compiler_barrier();
	store_relaxed(&rec->build, 0);
	free_doomed(p);
}

/* Keeps the chain that was built if it is whole, else frees it. */
static int end_build(struct peer *p, bool whole, uint32_t *ref)
{
	if (!whole) {
		drop_build(p);
		return -ENOSPC;
	}
	store_relaxed(&p->record->build_pending, 0);
	*ref = load_relaxed(&p->record->build);
	return 0;
}

/* Brings granules outside slots into use, if there are any left. */
static bool grow_outside(struct peer *p)
{
	struct mapping *map = p->map;
	uint32_t used = granules_used(map), more;

	if (used >= scan_outside(map) ||
	    grow_granules(map, used, scan_outside(map)))
		return false;
	more = granules_used(map) - used;
	if (more)
		scan_note_run(p, map->inline_granules + used + 1, more);
	p->cursor = map->inline_granules + used + more;
	return true;
}

/* Brings granules inside slots into use, if there are any left. */
static bool grow_homes(struct peer *p)
{
	uint32_t slots = slots_used(p->map);

	if (slots >= p->map->inline_granules || grow_slots(p->map, slots))
		return false;
	p->inline_cursor = slots_used(p->map);
	return true;
}

/*
 * Claims granules that were never in use. First frees what P has removed and
 * nobody reads any more, because a segment that has grown stays so.
 */
static uint32_t from_unused(struct peer *p, uint32_t want)
{
	const struct mapping *map = p->map;
	uint32_t before = granules_used(map), got;

	if (before >= scan_outside(map))
		return 0;
	arena_harvest(p);
	got = scan_runs(p, want, want, scan_outside(map) / 4);
	while (got < want && granules_used(map) - before < want)
		if (!grow_outside(p))
			break;
	got += scan_runs(p, want - got, want - got, 0);
	return got + scan_runs(p, want - got, 1, 0);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* How long each part of a long chain is at least: see ARENA-6. */
static uint32_t least_piece(uint32_t count)
{
	return count / ARENA_PIECES ?: 1;
}

/* ARENA-6: whether the chain takes homes before a value is evicted for it. */
static bool takes_homes(const struct mapping *map, uint32_t count)
{
	return count <= ARENA_PIECES ||
	       map->inline_granules > scan_outside(map) / ARENA_PIECES;
}

/* Claims granules for a chain without evicting anything (ARENA-6). */
static uint32_t build_from_free(struct peer *p, uint32_t count)
{
	uint32_t got = scan_runs(p, count, count, SCAN_SHORT), more = 1;

	if (got < count)
		got += from_unused(p, count - got);
	while (got < count && more) {
		more = scan_runs(p, count - got,
				 least(count - got, least_piece(count)),
				 SCAN_SHORT);
		got += more;
	}
	if (got < count && takes_homes(p->map, count))
		got += scan_any(p, count - got, 16);
	return got;
}

static int make_room(struct peer *p, uint32_t want, bool homes)
{
	return grow_outside(p) || (homes && grow_homes(p)) ?
		       0 :
		       arena_reclaim(p, want);
}

/* Claims what has come free: runs, or else homes. */
static uint32_t take_freed(struct peer *p, uint32_t want)
{
	uint32_t got = scan_runs(p, want, want, 0), more = 1;

	while (got < want && more) {
		more = scan_runs(p, want - got, 1, 0);
		got += more;
	}
	return got ? got : scan_homes(p, want, 16);
}

int arena_build(struct peer *p, uint32_t count, uint32_t *ref)
{
	const struct mapping *map = p->map;
	bool homes = takes_homes(map, count);
	uint32_t got;
	int r = 0;

	*ref = 0;
	if (count > map->inline_granules + scan_outside(map))
		return -ENOSPC;
	store_relaxed(&p->record->build, 0);
	got = likely(count == 1) ? scan_any(p, 1, 16) :
				   build_from_free(p, count);
	while (!r && got < count) {
		r = make_room(p, count - got, homes);
		if (!r)
			got += take_freed(p, count - got);
	}
	if (got < count)
		got += scan_any(p, count - got, 1);
	while (got < count && grow_homes(p))
		got += scan_homes(p, count - got, 1);
	return end_build(p, got == count, ref);
}

int arena_build_one(struct peer *p, uint32_t slot, uint32_t *ref)
{
	store_relaxed(&p->record->build, 0);
	if (slot < p->map->inline_granules && scan_claim(p, slot + 1))
		return end_build(p, true, ref);
	return arena_build(p, 1, ref);
}

int arena_build_spare(struct peer *p, uint32_t count, uint32_t *ref)
{
	struct mapping *map = p->map;
	uint32_t high = map->geometry.granules, used, got;

	*ref = 0;
	if (count > map->geometry.spare)
		return -ENOSPC;
	while ((used = granules_used(map)) < high - map->inline_granules)
		if (grow_granules(map, used, high - map->inline_granules))
			return -ENOSPC;
	store_relaxed(&p->record->build, 0);
	got = scan_spare(p, count);
	/* Results in spare granules are past their lifetime: they go first. */
	if (got < count && !arena_reclaim(p, count - got))
		got += scan_spare(p, count - got);
	return end_build(p, got == count, ref);
}

void arena_hand_over(struct peer *p, uint32_t slot, uint32_t *anchor)
{
	struct mapping *map = p->map;
	uint32_t head = load_relaxed(&p->record->build);
	uint32_t left = map->geometry.granules;
	uint32_t ref, run = head, length = 0;
	uint64_t *tag = tag_at(map, head);

	store_relaxed(anchor, head);
	if (!tag)
		return;
	kill_point(arena_handing);
	for (ref = tag_next(load_relaxed(tag)); ref;) {
		uint64_t *t = tag_at(map, ref);
		uint32_t next;

		if (!t || !left--)
			break;
		next = tag_next(load_relaxed(t));
		store_relaxed(t, tag_live(slot, next));
		run += ref == run + 1;
		length++;
		ref = next;
	}
	if (length && run == head + length && head > map->inline_granules)
		store_relaxed(anchor, head | SHM_RUN);
	/*
	 * ORDER-A3 pairs ORDER-A4
	 * A thread that sees the slot in the head's tag sees it in all tags.
	 */
	store_release(tag, tag_live(slot, tag_next(load_relaxed(tag))));
	kill_point(arena_handed);
	compiler_barrier();
	store_relaxed(&p->record->build, 0);
}

void arena_free(struct peer *p, uint32_t slot, uint32_t *anchor)
{
	struct mapping *map = p->map;
	uint32_t ref = load_relaxed(anchor);

	if (arena_is_live(map, slot, ref)) {
		uint64_t *tag = tag_at(map, arena_head(ref));

		store_relaxed(&p->record->doomed, arena_head(ref));
		compiler_barrier();
		store_relaxed(tag, tag_owned(p, tag_next(load_relaxed(tag))));
		compiler_barrier();
		kill_point(arena_dooming);
		store_relaxed(anchor, 0);
		compiler_barrier();
		free_doomed(p);
		return;
	}
	store_relaxed(anchor, 0);
}

void arena_orphan(struct peer *p, uint32_t ref)
{
	uint64_t stamp = fetch_add_relaxed(&p->map->header->orphans, 1);
	uint64_t *tag = tag_at(p->map, ref);

	if (tag)
		store_release(tag, TAG_ORPHAN |
					   (stamp & TAG_STAMP_MASK)
						   << TAG_WHO_SHIFT |
					   tag_next(load_relaxed(tag)));
}

uint64_t arena_orphan_tag(const struct mapping *map, uint32_t ref)
{
	uint64_t *at = tag_at(map, ref);
	uint64_t tag = at ? load_acquire(at) : 0;

	return (tag & TAG_STATE) == TAG_ORPHAN ? tag : 0;
}

void arena_adopt(struct peer *p, uint32_t ref, uint64_t tag)
{
	if (cas_acq_rel(&p->map->tags[ref - 1], tag,
			tag_owned(p, tag_next(tag))))
		free_doomed(p);
}

static bool is_owned(struct peer *p, uint32_t ref)
{
	uint64_t *tag = tag_at(p->map, ref);

	return tag && tag_names(load_acquire(tag), tag_owned(p, 0));
}

/* Frees a granule that is cut off, or not yet chained, if v still owns it. */
static void sweep_pending(struct peer *v, uint32_t *pending, uint32_t head)
{
	uint32_t ref = load_relaxed(pending);

	if (ref != head && is_owned(v, ref))
		store_release(tag_at(v->map, ref), 0);
	store_relaxed(pending, 0);
}

void arena_sweep(struct peer *v)
{
	struct shm_participant *rec = v->record;

	sweep_pending(v, &rec->doomed_pending, load_relaxed(&rec->doomed));
	sweep_pending(v, &rec->build_pending, load_relaxed(&rec->build));
	if (is_owned(v, load_relaxed(&rec->doomed)))
		free_doomed(v);
	store_relaxed(&rec->doomed, 0);
	if (is_owned(v, load_relaxed(&rec->build)))
		drop_build(v);
	store_relaxed(&rec->build, 0);
}
