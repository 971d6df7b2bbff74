/* SPDX-License-Identifier: MIT */
#include "store/tagging.h"

#include "os/killpoint.h"

bool tagging_outdates(const struct mapping *map, uint32_t slot, uint64_t ctl)
{
	struct field f = slot_value(map, slot, ctl);
	struct shm_tagging t;

	return ctl_has(ctl) && tagging_in(load_relaxed(&f.front->when)) &&
	       !tagging_read(map, load_relaxed(&f.back->ref), &t) &&
	       tagging_is_outdated(map, &t);
}

int tagging_add(struct shm_tagging *t, uint64_t tag)
{
	for (int i = 0; i < SHM_TAGS; i++) {
		if (t->tag[i] == tag)
			return 0;
		if (t->tag[i])
			continue;
		t->tag[i] = tag;
		while (++i < SHM_TAGS)
			t->tag[i] = 0;
		return 0;
	}
	return -ENOSPC;
}

void tagging_invalidate(struct mapping *map, uint64_t tag)
{
	uint64_t *word = tagging_word(map, tag), seen, number;

	/*
	 * ORDER-T1 pairs ORDER-T2
	 * All that the caller changed comes before the number.
	 */
	number = fetch_add_acq_rel(&map->header->tag_clock, 1) + 1;
	kill_point(tag_counted);
	seen = load_relaxed(word);
	while (seen < number && !cas_seq(word, seen, number))
		seen = load_relaxed(word);
	/*
	 * ORDER-T3 pairs ORDER-T4
	 * The word is raised before the caller looks if the segment has moved.
	 */
	fence_seq();
}
