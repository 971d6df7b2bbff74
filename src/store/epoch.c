/* SPDX-License-Identifier: MIT */
#include "store/epoch.h"

#include "os/sys.h"
#include "peer/liveness.h"

enum reader {
	READER_OUTSIDE,
	READER_PRESENT, /* it entered in the present epoch */
	READER_EXPELLED,
	READER_BEHIND, /* it entered in an earlier epoch */
};

static enum reader reader_state(uint64_t word, uint64_t epoch)
{
	if (!(word & EPOCH_ACTIVE))
		return READER_OUTSIDE;
	if (word & EPOCH_EXPELLED)
		return READER_EXPELLED;
	return word >> 2 == epoch ? READER_PRESENT : READER_BEHIND;
}

/*
 * ORDER-G4 pairs ORDER-G3
 * This sets the mark before any thread can reuse a slot that the reader meets.
 */
static bool expel(struct peer *p, struct shm_participant *rec, uint64_t word)
{
	if (!cas_acq_rel(&rec->epoch, word, word | EPOCH_EXPELLED))
		return false;
	peer_count(p, COUNT_expelled);
	return true;
}

static bool reader_allows_advance(struct peer *p, struct shm_participant *rec,
				  uint64_t epoch, bool stalled)
{
	/* ORDER-G6 pairs ORDER-G5 */
	uint64_t word = load_acquire(&rec->epoch);

	switch (reader_state(word, epoch)) {
	case READER_OUTSIDE:
	case READER_PRESENT:
	case READER_EXPELLED: return true;
	case READER_BEHIND: break;
	}
	if (!life_held(p->map, rec)) /* EPOCH-4 */
		return true;
	return stalled && rec != p->record && expel(p, rec, word);
}

bool epoch_advance(struct peer *p)
{
	struct mapping *map = p->map;
	struct shm_header *h = map->header;
	uint64_t e = load_acquire(&h->epoch);
	/*
	 * This is read before the clock, so it is ahead of the clock only if
	 * the word is damaged; `now - since` then wraps, and the epoch counts
	 * as long unmoved. If the processor swaps the two reads, and another
	 * thread moves the epoch in between, a reader that is one epoch behind
	 * may be expelled early, and looks again.
	 */
	uint64_t since = load_relaxed(&h->epoch_since);
	uint64_t now = sys.now();
	bool stalled = now - since > EPOCH_STALL_NS;
	uint32_t used = participants_used(map);

	/* ORDER-G2 pairs ORDER-G1 */
	fence_seq();
	for (uint32_t i = 0; i < used; i++)
		if (!reader_allows_advance(p, &map->participants[i], e,
					   stalled))
			return false;
	if (!cas_acq_rel(&h->epoch, e, e + 1))
		return true;
	store_relaxed(&h->epoch_since, now);
	peer_count(p, COUNT_epochs);
	return true;
}
