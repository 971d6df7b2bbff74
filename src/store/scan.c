/* SPDX-License-Identifier: MIT */
#include "store/scan.h"

#include "os/killpoint.h"

/*
 * ORDER-A1 pairs ORDER-A2
 * The claim acquires what the granule's last owner wrote before it freed the
 * granule, so that owner's late stores cannot land in the new value.
 */
bool scan_claim(struct peer *p, uint32_t ref)
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
 * low + 1 to high, from the cursor on, and at each of them once at most. Scans
 * downwards: a chain grows at its head, so its granules then are in ascending
 * order.
 */
static uint32_t scan(struct peer *p, uint32_t *cursor, uint32_t want,
		     uint32_t budget, uint32_t low, uint32_t high)
{
	uint32_t at = *cursor, got = 0;

	if (high <= low)
		return 0;
	if (at <= low || at > high)
		at = high;
	if (budget > high - low)
		budget = high - low;
	while (budget-- && got < want) {
		if (scan_claim(p, at))
			got++;
		at = at > low + 1 ? at - 1 : high;
	}
	*cursor = at;
	return got;
}

static uint32_t some(uint32_t want)
{
	return 256 + 8 * want;
}

uint32_t scan_homes(struct peer *p, uint32_t want, uint32_t part)
{
	const struct mapping *map = p->map;
	uint32_t used = used_of(&map->header->slots_used, map->inline_granules);

	return scan(p, &p->inline_cursor, want, some(want) + used / part, 0,
		    used);
}

uint32_t scan_any(struct peer *p, uint32_t want, uint32_t part)
{
	const struct mapping *map = p->map;
	uint32_t low = map->inline_granules;
	uint32_t used = used_of(&map->header->granules_used, scan_outside(map));
	uint32_t got = scan(p, &p->cursor, want, some(want), low, low + used);

	if (got < want)
		got += scan(p, &p->roaming, want - got,
			    some(want) + used / part, low, low + used);
	if (got < want)
		got += scan_homes(p, want - got, part);
	return got;
}

uint32_t scan_spare(struct peer *p, uint32_t want)
{
	uint32_t high = p->map->geometry.granules;
	uint32_t spare = p->map->geometry.spare;

	return scan(p, &p->cursor, want, spare, high - spare, high);
}

/* The first of these granules that is not free, or the one after the last. */
static uint32_t free_until(const struct mapping *map, uint32_t first,
			   uint32_t count)
{
	uint32_t ref = first;

	while (ref < first + count && !load_relaxed(&map->tags[ref - 1]))
		ref++;
	return ref;
}

/*
 * Claims neighbours, the last one first. Stops at a granule that another
 * participant has taken meanwhile: the granules before that one are no
 * neighbours of those claimed so far.
 */
static uint32_t claim_run(struct peer *p, uint32_t first, uint32_t count)
{
	uint32_t got = 0;

	while (got < count && scan_claim(p, first + count - 1 - got))
		got++;
	return got;
}

/* Takes from a run that P remembers, if it has `least` granules. */
static uint32_t take_noted(struct peer *p, struct peer_run *run, uint32_t want,
			   uint32_t least)
{
	uint32_t first, count, end;

	while (run->count >= least) {
		count = run->count < want ? run->count : want;
		first = run->first;
		end = free_until(p->map, first, count);
		run->count -= end - first;
		run->first = end;
		if (end - first >= least)
			return claim_run(p, first, end - first);
		if (end < first + count) {
			/* The granule at `end` is not free. */
			run->count--;
			run->first++;
		}
	}
	return 0;
}

/*
 * Finds `count` free neighbours. Searches downwards from p->roaming, and then
 * from the upper end, once round at most. Looks at each window of `count`
 * granules from its lower end: if a granule there is not free, the next window
 * ends before that granule, so most tags need no look. Returns the first
 * granule, or 0.
 */
static uint32_t find_run(struct peer *p, uint32_t count, uint32_t budget)
{
	const struct mapping *map = p->map;
	uint32_t low = map->inline_granules;
	uint32_t high =
		low + used_of(&map->header->granules_used, scan_outside(map));
	uint32_t at = p->roaming > high ? high : p->roaming;
	uint32_t left = high - low;

	while (budget && left >= count) {
		uint32_t first, end;

		if (at < low + count) {
			left -= at > low ? at - low : 0;
			at = high;
			continue;
		}
		first = at - count + 1;
		end = free_until(map, first, count);
		if (end > at) {
			p->roaming = first - 1;
			return first;
		}
		budget -= budget > end - first ? end - first + 1 : budget;
		left -= at + 1 - end;
		at = end - 1;
	}
	p->roaming = at;
	return 0;
}

uint32_t scan_runs(struct peer *p, uint32_t want, uint32_t least,
		   uint32_t budget)
{
	uint32_t got, first;

	if (!want)
		return 0;
	for (int i = 0; i < PEER_RUNS; i++) {
		got = take_noted(p, &p->runs[i], want, least);
		if (got)
			return got;
	}
	first = find_run(p, least, budget);
	return first ? claim_run(p, first, least) : 0;
}

/* Joins the run to one that it continues, or else forgets the shortest. */
static void note_outside(struct peer *p, uint32_t first, uint32_t count)
{
	struct peer_run *shortest = &p->runs[0];

	for (struct peer_run *r = p->runs; r < p->runs + PEER_RUNS; r++) {
		if (r->count && r->first + r->count == first) {
			r->count += count;
			return;
		}
		if (r->count && first + count == r->first) {
			r->first = first;
			r->count += count;
			return;
		}
		if (r->count < shortest->count)
			shortest = r;
	}
	if (shortest->count < count)
		*shortest = (struct peer_run){ first, count };
}

void scan_note_run(struct peer *p, uint32_t first, uint32_t count)
{
	uint32_t last = first + count - 1;

	if (last <= p->map->inline_granules) {
		p->inline_cursor = last;
		return;
	}
	p->cursor = last;
	if (first > p->map->inline_granules && !arena_is_spare(p->map, last))
		note_outside(p, first, count);
}
