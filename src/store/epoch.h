/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update between processes: epochs.
 *
 * Invariants:
 *
 *  EPOCH-1. A slot that left its chain at epoch e is used again at e + 2 at the
 *      earliest.
 *  EPOCH-2. The epoch moves from e to e + 1 only if each reader inside a
 *      section entered it at e, is expelled (EPOCH-3) or is dead (EPOCH-4).
 *  EPOCH-3. If a reader is still in a section that it entered in an earlier
 *      epoch, and the epoch has not moved for EPOCH_STALL_NS, a thread that
 *      wants to move the epoch expels the reader, by a mark in the reader's
 *      word. The reader finds the mark at the end of its section, drops the
 *      slot it found, and looks again. It may have followed links of slots in
 *      their next life: all slots are always mapped and every index is checked,
 *      so it reads rubbish at worst. Its late CASes fail: the link's tag or the
 *      control word's generation has changed.
 *  EPOCH-4. Nobody waits for a dead reader.
 *
 * The epoch protects a look-up's way to its slot. The control word says whether
 * a copied value is whole (ctl_copy_whole()).
 *
 * The word in the reader's record: 0 outside a section, else epoch * 4 + 1; + 2
 * when expelled.
 *
 * A reader's entry must be visible before it reads a link, so the reader
 * fences. Few calls pay for the fence, because the first look of a hit needs no
 * section. With membarrier(2) instead, each inserter in a full segment would
 * interrupt every core that runs a reader.
 */
#ifndef STORE_EPOCH_H
#define STORE_EPOCH_H

#include "os/atomics.h"
#include "peer/participant.h"

#define EPOCH_ACTIVE 1u
#define EPOCH_EXPELLED 2u
#define EPOCH_STALL_NS (2 * UINT64_C(1000000))

static inline void epoch_enter(struct peer *p)
{
	uint64_t e = load_acquire(&p->map->header->epoch);

	store_relaxed(&p->record->epoch, e << 2 | EPOCH_ACTIVE);
	/*
	 * ORDER-G1 pairs ORDER-G2
	 * ORDER-G1 pairs ORDER-G9
	 */
	fence_seq();
}

/*
 * ORDER-G3 pairs ORDER-G4
 * If anything that the reader read in its section belonged to a slot's next
 * life, it sees the mark here, which was set before that life began.
 */
static inline bool epoch_expelled(struct peer *p)
{
	fence_acquire();
	return load_relaxed(&p->record->epoch) & EPOCH_EXPELLED;
}

static inline void epoch_leave(struct peer *p)
{
	/* ORDER-G5 pairs ORDER-G6 */
	store_release(&p->record->epoch, 0);
}

/* Moves the epoch if EPOCH-2 allows it. True if this or another thread did. */
bool epoch_advance(struct peer *p);

/*
 * Whether a slot that left its chain at `stamp` may be used again (EPOCH-1). No
 * stamp is ahead of the epoch, because its writer had read the epoch. A damaged
 * stamp that is ahead counts as passed, so that nobody waits for it for ever.
 */
static inline bool epoch_passed(const struct mapping *map, uint64_t stamp)
{
	return load_acquire(&map->header->epoch) - stamp >= 2;
}

#endif
