/* SPDX-License-Identifier: MIT */
#include "store/pin.h"

#include <errno.h>

#include "os/killpoint.h"
#include "peer/liveness.h"

int pin_note(struct peer *p, struct shm_back *back, uint32_t ref)
{
	struct shm_participant *rec = p->record;

	for (int i = 0; i < SHM_PINS; i++) {
		if (load_relaxed(&rec->pins[i]))
			continue;
		store_relaxed(&rec->pins[i], arena_head(ref));
		store_relaxed(&back->pinned, 1);
		/* ORDER-N1 pairs ORDER-N2 */
		fence_seq();
		kill_point(pin_noted);
		return i;
	}
	return -EMFILE;
}

bool pin_exists(const struct mapping *map, uint32_t ref)
{
	uint32_t used = participants_used(map), word;

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];

		/*
		 * ORDER-N2 pairs ORDER-N1
		 * Sequentially consistent, because a thread that has seen the
		 * hint need not have seen the pin.
		 */
		for (int n = 0; n < SHM_PINS; n++)
			if (load_seq(&rec->pins[n]) == ref &&
			    !life_proven_dead(map, rec, &word))
				return true;
	}
	return false;
}

/*
 * Reads the tag, looks for pins, then takes the orphan by a CAS from that tag,
 * whose stamp no other orphan has had. If the CAS succeeds, the chain was this
 * orphan during the whole look. The look has missed no pin, because each valid
 * pin was there before the chain became an orphan (PIN-1).
 *
 * ORDER-N3 pairs ORDER-N4
 * A thread makes the orphan, or drops its pin, before it looks at tag and pins.
 * So the maker, or the last thread to drop a pin, finds an orphan and no pin.
 */
static void free_if_unpinned(struct peer *p, uint32_t ref)
{
	uint64_t tag;

	fence_seq();
	tag = arena_orphan_tag(p->map, ref);
	kill_point(pin_looking);
	if (tag && !pin_exists(p->map, ref))
		arena_adopt(p, ref, tag);
	kill_point(pin_settled);
	store_relaxed(&p->record->doomed, 0);
}

void pin_drop(struct peer *p, int place, uint32_t ref)
{
	struct shm_participant *rec = p->record;

	ref = arena_head(ref);
	store_relaxed(&rec->doomed, ref);
	compiler_barrier();
	/* ORDER-N4 pairs ORDER-N3 */
	store_release(&rec->pins[place], 0);
	kill_point(pin_dropped);
	free_if_unpinned(p, ref);
}

/*
 * The order matters: `doomed` may name an orphan, which arena_sweep() would not
 * free; and pin_drop() uses `doomed`, which must be clear by then.
 */
void pin_sweep(struct peer *v)
{
	struct shm_participant *rec = v->record;

	if (arena_orphan_tag(v->map, load_relaxed(&rec->doomed)))
		free_if_unpinned(v, load_relaxed(&rec->doomed));
	arena_sweep(v);
	for (int i = 0; i < SHM_PINS; i++) {
		uint32_t ref = load_relaxed(&rec->pins[i]);

		if (ref)
			pin_drop(v, i, ref);
	}
}

/* Clears the hint last: a death before that leaves it set, which is legal. */
void pin_push_aside(struct peer *p, uint32_t slot, struct shm_back *back)
{
	uint32_t ref = arena_head(load_relaxed(&back->ref));

	if (arena_is_live(p->map, slot, ref) && pin_exists(p->map, ref)) {
		kill_point(pin_found);
		store_relaxed(&p->record->doomed, ref);
		compiler_barrier();
		arena_orphan(p, ref);
		kill_point(pin_orphaned);
		store_relaxed(&back->ref, 0);
		free_if_unpinned(p, ref);
	}
	compiler_barrier();
	store_relaxed(&back->pinned, 0);
}

void pin_free_field(struct peer *p, uint32_t slot, struct shm_back *back)
{
	pin_make_way(p, slot, back);
	arena_free(p, slot, &back->ref);
}
