/* SPDX-License-Identifier: MIT */
#include "store/probation.h"

#include "os/killpoint.h"

/* One slot in TRIED is on probation. */
#define TRIED 50
/* How many more may be on probation between two batches of evictions. */
#define SURPLUS (2 * PEER_LIMBO)
/* How many places a participant takes at once: one for each STRIDES slots that
   should be on probation, and one more; STRIDE_MOST at most. */
#define STRIDES 64
#define STRIDE_MOST 16

/* A read does not count if one of the thread's LATELY reads before it was of
   the same slot. */
#define LATELY 8

#define ENTRY_SLOT_BITS 26
#define ENTRY_SLOT ((1u << ENTRY_SLOT_BITS) - 1)

#define GHOST_BITS 12
#define GHOST ((UINT64_C(1) << GHOST_BITS) - 1)
/* The lowest and the highest bit of each of the five ghosts in a word. */
#define GHOSTS_LOW UINT64_C(0x1001001001001)
#define GHOSTS_HIGH (GHOSTS_LOW << (GHOST_BITS - 1))

static_assert(SHM_MAX_SLOTS == ENTRY_SLOT + 1, "an entry has room for a slot");

/* How many slots should be on probation. */
static uint32_t wanted(const struct mapping *map)
{
	uint32_t n = slots_used(map) / TRIED;

	return n ? n : 1;
}

static uint64_t *ghosts_of(const struct mapping *map, uint32_t hash)
{
	return &map->ghosts[(uint64_t)hash * map->ghost_words >> 32];
}

/* A key's fingerprint; 0 means "none". */
static uint64_t ghost_of(uint32_t hash)
{
	return (hash & GHOST) + !(hash & GHOST);
}

void probation_failed(struct mapping *map, uint32_t hash)
{
	uint64_t *word = ghosts_of(map, hash);

	/* One of two writers may lose a ghost (PROBATION-1). */
	store_relaxed(word, load_relaxed(word) << GHOST_BITS | ghost_of(hash));
}

/*
 * Whether the key's ghost is in its word; if so, takes it out. The ghost's 12
 * bits are 0 in `differs`, and the highest of them is the lowest bit that is
 * set in `found`.
 */
static bool was_missed(struct mapping *map, uint32_t hash)
{
	uint64_t *word = ghosts_of(map, hash), seen = load_relaxed(word);
	uint64_t differs = seen ^ ghost_of(hash) * GHOSTS_LOW;
	uint64_t found = (differs - GHOSTS_LOW) & ~differs & GHOSTS_HIGH;
	int at;

	if (likely(!found))
		return false;
	at = __builtin_ctzll(found) - (GHOST_BITS - 1);
	store_relaxed(word, seen & ~(GHOST << at));
	return true;
}

/* Takes a place in the ring to write to (PROBATION-2); false if it is full. */
static bool find_place(struct peer *p, uint32_t *place)
{
	struct shm_header *h = p->map->header;
	uint32_t out = load_relaxed(&h->ring_out), n = wanted(p->map), stride;

	/* The evictors are past these places: an entry would be too late. */
	if (p->ring_left && (int32_t)(out - p->ring_at) > 0)
		p->ring_left = 0;
	if (!p->ring_left) {
		if (load_relaxed(&h->ring_in) - out >= n + SURPLUS)
			return false;
		stride = n / STRIDES + 1;
		if (stride > STRIDE_MOST)
			stride = STRIDE_MOST;
		p->ring_at = fetch_add_relaxed(&h->ring_in, stride);
		p->ring_left = stride;
	}
	p->ring_left--;
	*place = p->ring_at++;
	return true;
}

void probation_begin(struct peer *p, uint32_t slot, const struct key *k)
{
	struct mapping *map = p->map;
	uint32_t place;

	if (key_kind(k) != SHM_VALUE || was_missed(map, key_order(k)) ||
	    !find_place(p, &place))
		return;
	store_relaxed(&map->slots[slot].recent, RECENT_TRIAL);
	kill_point(probation_begun);
	store_relaxed(&map->ring[place & map->ring_mask],
		      slot | key_order(k) << ENTRY_SLOT_BITS);
}

uint32_t probation_take(struct mapping *map, uint32_t most, uint32_t *place)
{
	struct shm_header *h = map->header;
	uint32_t n;

	do {
		int32_t more;

		*place = load_relaxed(&h->ring_out);
		more = (int32_t)(load_relaxed(&h->ring_in) - *place -
				 wanted(map));
		if (more < 0)
			return 0;
		n = (uint32_t)more < most ? (uint32_t)more + 1 : most;
	} while (!cas_relaxed(&h->ring_out, *place, *place + n));
	kill_point(probation_taken);
	return n;
}

bool probation_at(const struct mapping *map, uint32_t place, uint32_t *slot)
{
	uint32_t entry = load_relaxed(&map->ring[place & map->ring_mask]);
	const struct shm_slot *s = slot_at(map, entry & ENTRY_SLOT);

	*slot = entry & ENTRY_SLOT;
	return s && load_relaxed(&s->recent) & RECENT_TRIAL &&
	       (load_relaxed(&s->hash) ^ entry >> ENTRY_SLOT_BITS) << 26 == 0;
}

/*
 * Whether one of the LATELY reads before the record's read number `n` was of
 * the same slot. A program that reads a key several times in a row wants it
 * once.
 */
static bool read_lately(const struct shm_participant *rec, uint32_t n)
{
	uint32_t slot = load_relaxed(&rec->hit[n % SHM_HITS]);

	for (uint32_t i = n - LATELY; i != n; i++)
		if (load_relaxed(&rec->hit[i % SHM_HITS]) == slot)
			return true;
	return false;
}

/* PROBATION-T3 */
static void credit(struct shm_slot *s)
{
	uint8_t recent = load_relaxed(&s->recent);

	if ((recent & RECENT_CREDIT) < MOST_CREDIT)
		store_relaxed(&s->recent, (uint8_t)(recent + 1));
}

void probation_credit(struct mapping *map)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];
		uint32_t to = load_relaxed(&rec->hits);
		uint32_t from = load_relaxed(&rec->hits_seen);

		if (to - from > SHM_HITS - LATELY)
			from = to - (SHM_HITS - LATELY);
		for (; from != to; from++) {
			uint32_t hit = load_relaxed(&rec->hit[from % SHM_HITS]);
			struct shm_slot *s = slot_at(map, hit);

			if (s && !read_lately(rec, from))
				credit(s);
		}
		if (load_relaxed(&rec->hits_seen) != to)
			store_relaxed(&rec->hits_seen, to);
	}
}
