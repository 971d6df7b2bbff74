/* SPDX-License-Identifier: MIT */
#include "store/arena.h"

#include <errno.h>

#include "os/killpoint.h"
#include "segment/reserve.h"

arena_reclaim_fn arena_reclaim;

/* How many granules outside slots there are, without the spare ones. */
static uint32_t most_others(const struct mapping *map)
{
	return map->geometry.granules - map->geometry.spare -
	       map->inline_granules;
}

/*
 * Tries to claim granule `ref` as the new head of the chain being built
 * (ARENA-1).
 *
 * ORDER-A1 pairs ORDER-A2
 * The claim acquires what the granule's last owner wrote before it freed the
 * granule, so that owner's late stores cannot land in the new value.
 */
static bool claim(struct peer *p, uint32_t ref)
{
	struct shm_participant *rec = p->record;
	uint64_t *tag = &p->map->tags[ref - 1];

	if (load_relaxed(tag))
		return false;
	store_relaxed(&rec->build_pending, ref);
	compiler_barrier();
	kill_point(arena_pending);
	if (!cas_acq_rel(tag, 0, tag_owned(p, load_relaxed(&rec->build))))
		return false;
	kill_point(arena_claimed);
	store_relaxed(&rec->build, ref);
	kill_point(arena_chained);
	return true;
}

/*
 * Claims up to `want` granules. Looks at `budget` tags at most, of the granules
 * low + 1 to high, from the cursor on. Scans downwards: a chain grows at its
 * head, so its granules then are in ascending order.
 */
static uint32_t scan(struct peer *p, uint32_t *cursor, uint32_t want,
		     uint32_t budget, uint32_t low, uint32_t high)
{
	uint32_t at = *cursor, got = 0;

	if (at <= low || at > high)
		at = high;
	while (high > low && budget-- && got < want) {
		if (claim(p, at))
			got++;
		at = at > low + 1 ? at - 1 : high;
	}
	*cursor = at;
	return got;
}

/*
 * Scans granules outside slots first, because neighbours among those can be
 * copied in one go. Looks where granules were freed last, and then goes on
 * where it stopped before, so that granules which were freed elsewhere are
 * found after some calls. Looks at a `part`-th of the granules, and at some
 * more.
 */
static uint32_t scan_all(struct peer *p, uint32_t want, uint32_t part)
{
	const struct mapping *map = p->map;
	uint32_t others =
		used_of(&map->header->granules_used, most_others(map));
	uint32_t inline_used =
		used_of(&map->header->slots_used, map->inline_granules);
	uint32_t some = 256 + 8 * want, got;

	got = scan(p, &p->cursor, want, some, map->inline_granules,
		   map->inline_granules + others);
	if (got < want)
		got += scan(p, &p->roaming, want - got, some + others / part,
			    map->inline_granules,
			    map->inline_granules + others);
	if (got < want)
		got += scan(p, &p->inline_cursor, want - got,
			    some + inline_used / part, 0, inline_used);
	return got;
}

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
		*(ref > p->map->inline_granules ? &p->cursor :
						  &p->inline_cursor) = ref;
		p->freed++;
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

/*
 * Finds more room. If there is memory that was never in use, brings some of it
 * into use and sets a cursor to it; else has the evictor free values.
 */
static int make_room(struct peer *p, uint32_t want)
{
	struct mapping *map = p->map;
	uint32_t used = granules_used(map), slots = slots_used(map);

	if (used < most_others(map) &&
	    !grow_granules(map, used, most_others(map))) {
		p->cursor = map->inline_granules + granules_used(map);
		return 0;
	}
	if (slots < map->inline_granules && !grow_slots(map, slots)) {
		p->inline_cursor = slots_used(map);
		return 0;
	}
	return arena_reclaim(p, want);
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

int arena_build(struct peer *p, uint32_t count, uint32_t *ref)
{
	uint32_t got = 0;
	int r = 0;

	*ref = 0;
	if (count > p->map->inline_granules + most_others(p->map))
		return -ENOSPC;
	store_relaxed(&p->record->build, 0);
	while (!r && got < count) {
		got += scan_all(p, count - got, 16);
		if (got < count)
			r = make_room(p, count - got);
	}
	if (got < count)
		got += scan_all(p, count - got, 1);
	return end_build(p, got == count, ref);
}

int arena_build_one(struct peer *p, uint32_t slot, uint32_t *ref)
{
	store_relaxed(&p->record->build, 0);
	if (slot < p->map->inline_granules && claim(p, slot + 1))
		return end_build(p, true, ref);
	return arena_build(p, 1, ref);
}

int arena_build_spare(struct peer *p, uint32_t count, uint32_t *ref)
{
	struct mapping *map = p->map;
	uint32_t spare = map->geometry.spare, high = map->geometry.granules;
	uint32_t used, got;

	*ref = 0;
	if (count > spare)
		return -ENOSPC;
	while ((used = granules_used(map)) < high - map->inline_granules)
		if (grow_granules(map, used, high - map->inline_granules))
			return -ENOSPC;
	store_relaxed(&p->record->build, 0);
	got = scan(p, &p->cursor, count, spare, high - spare, high);
	/* Results in spare granules are past their lifetime: they go first. */
	if (got < count && !arena_reclaim(p, count - got))
		got += scan(p, &p->cursor, count - got, spare, high - spare,
			    high);
	return end_build(p, got == count, ref);
}

void arena_hand_over(struct peer *p, uint32_t slot, uint32_t *anchor)
{
	struct mapping *map = p->map;
	uint32_t head = load_relaxed(&p->record->build);
	uint32_t left = map->geometry.granules;
	uint32_t ref;
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
		ref = next;
	}
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
		uint64_t *tag = tag_at(map, ref);

		store_relaxed(&p->record->doomed, ref);
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

/*
 * Finds the next contiguous stretch of a chain, `len` bytes at most, and sets
 * *ref to the granule after it. Returns its size, or 0 if the chain is broken.
 */
static size_t stretch(const struct mapping *map, uint32_t *ref, uint64_t len,
		      uint8_t **at)
{
	const uint32_t last = map->inline_granules + granules_used(map);
	const uint64_t *tags = map->tags;
	uint32_t r = *ref, next = r;
	uint64_t n = SHM_GRANULE;

	if (!tag_at(map, r))
		return 0;
	*at = granule_at(map, r - 1);
	if (r <= map->inline_granules && n < len) {
		*ref = tag_next(load_relaxed(&tags[r - 1]));
		return n;
	}
	/* `r++`, not `r = next`: so no load waits for the load before it. */
	for (; n < len; n += SHM_GRANULE, r++) {
		next = tag_next(load_relaxed(&tags[r - 1]));
		if (next != r + 1 || next > last)
			break;
	}
	*ref = next;
	return n < len ? n : len;
}

int arena_read_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		    void *to, uint64_t len)
{
	uint8_t *dst = to, *src;

	while (len) {
		size_t n = stretch(map, &ref, len + skip, &src);

		if (!n)
			return -EBADMSG;
		n -= skip;
		copy_torn(dst, src + skip, n);
		skip = 0;
		dst += n;
		len -= n;
	}
	compiler_barrier();
	return 0;
}

int arena_write_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		     const struct iovec *iov, int count)
{
	uint8_t *dst = NULL;
	uint64_t total = skip, room = 0;

	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	for (int i = 0; i < count; i++) {
		const uint8_t *src = iov[i].iov_base;
		size_t left = iov[i].iov_len;

		while (left) {
			size_t n;

			if (!room)
				room = stretch(map, &ref, total, &dst);
			if (!room)
				return -EBADMSG;
			dst += skip;
			room -= skip;
			total -= skip;
			skip = 0;
			n = left < room ? left : (size_t)room;
			copy_torn(dst, src, n);
			dst += n;
			room -= n;
			total -= n;
			src += n;
			left -= n;
		}
	}
	return 0;
}

/* Skips `offset` bytes of a chain: whole granules, then the rest. */
static uint32_t skip(const struct mapping *map, uint32_t ref, uint64_t *offset)
{
	while (*offset >= SHM_GRANULE) {
		uint64_t *tag = tag_at(map, ref);

		if (!tag)
			return 0;
		ref = tag_next(load_relaxed(tag));
		*offset -= SHM_GRANULE;
	}
	return ref;
}

int arena_pieces(const struct mapping *map, uint32_t ref, uint64_t offset,
		 uint64_t len, struct iovec *iov, int max)
{
	int n = 0;

	ref = skip(map, ref, &offset);
	len += offset;
	while (len && n < max) {
		uint8_t *at;
		size_t size = stretch(map, &ref, len, &at);

		if (!size)
			return -EBADMSG;
		iov[n].iov_base = at + offset;
		iov[n].iov_len = size - offset;
		len -= size;
		offset = 0;
		n++;
	}
	return n;
}
