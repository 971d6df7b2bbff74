/* SPDX-License-Identifier: MIT */
#include "store/epoch.h"

#include <linux/membarrier.h>

#include "os/sys.h"
#include "peer/liveness.h"

void epoch_fence(struct peer *p)
{
	uint32_t *flags = &p->record->flags;

	if (!(load_relaxed(flags) & SHM_PART_FENCES))
		fetch_or_acq_rel(flags, SHM_PART_FENCES);
	fence_seq();
}

/*
 * A filter may come after the start: from its next section on each thread of
 * this process fences for itself.
 */
static bool fence_others(struct mapping *map)
{
	if (load_relaxed(&map->self_fencing))
		return false;
	if (sys.membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0)
		return true;
	store_relaxed(&map->self_fencing, true);
	return false;
}

/* May the epoch move past what this reader's word says? */
static bool out_of_the_way(struct peer *p, struct shm_participant *rec,
			   uint64_t now_epoch, bool fenced, bool stalled)
{
	/* order: G6 pairs G5 */
	uint64_t e = load_acquire(&rec->epoch);

	if (rec == p->record && !(e & EPOCH_ACTIVE))
		return true;
	if (!(e & EPOCH_ACTIVE) &&
	    (fenced || load_relaxed(&rec->flags) & SHM_PART_FENCES))
		return true;
	if (!fenced && !(load_relaxed(&rec->flags) & SHM_PART_FENCES))
		return !life_held(p->map, rec);
	if (e & EPOCH_EXPELLED || e >> 2 == now_epoch)
		return true;
	if (!life_held(p->map, rec))
		return true;
	if (!stalled || rec == p->record)
		return false;
	/*
	 * order: G4 pairs G3
	 * The mark is set before anything the reader may meet is used again.
	 */
	if (!cas_acq_rel(&rec->epoch, e, e | EPOCH_EXPELLED))
		return false;
	peer_count(p, COUNT_expelled);
	return true;
}

bool epoch_advance(struct peer *p)
{
	struct mapping *map = p->map;
	struct shm_header *h = map->header;
	uint64_t e = load_acquire(&h->epoch);
	uint64_t now = sys.now();
	uint64_t since = load_relaxed(&h->epoch_since);
	bool stalled = now > since && now - since > EPOCH_STALL_NS;
	uint32_t used = participants_used(map);
	bool fenced;

	/* order: G2 pairs G1 */
	fence_seq();
	fenced = fence_others(map);
	for (uint32_t i = 0; i < used; i++)
		if (!out_of_the_way(p, &map->participants[i], e, fenced,
				    stalled))
			return false;
	if (!cas_acq_rel(&h->epoch, e, e + 1))
		return true;
	store_relaxed(&h->epoch_since, now);
	peer_count(p, COUNT_epochs);
	return true;
}
