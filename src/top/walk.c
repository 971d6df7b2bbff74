/* SPDX-License-Identifier: MIT */
/*
 * Walks over the keys of a segment.
 *
 * A walk visits the slots of the predecessor, if there is one, and then the
 * segment's own. A resize adds a key to the successor before it removes the key
 * from the predecessor, so a walk in this order misses no key. If the walk's
 * segment gets a successor, the walk first visits the rest of its segment, then
 * the successor. If the walk's segment is gone, the walk begins anew.
 */
#include <errno.h>
#include <string.h>

#include <sfshm/flight.h>

#include "store/slot.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/succession.h"

/* Copies the slot's key to *walk if it begins with the prefix. */
static bool read_key(const struct mapping *map, uint32_t slot,
		     const void *prefix, size_t len, struct sfshm_walk *walk)
{
	struct shm_slot *s = &map->slots[slot];
	uint64_t ctl, after = load_seq(&s->ctl);
	int n;

	do {
		ctl = after;
		if (!ctl_at_rest(ctl) && ctl_phase(ctl) != PHASE_BUSY)
			return false;
		if (slot_kind(s) != SHM_VALUE)
			return false;
		n = key_load(map, s, walk->key);
		fence_acquire();
		after = load_seq(&s->ctl);
	} while (after != ctl);
	if (n < 0 || (size_t)n < len || memcmp(walk->key, prefix, len) != 0)
		return false;
	walk->key_len = (size_t)n;
	return true;
}

/*
 * Continues the walk in this segment; begins at the first slot if the walk was
 * in another segment.
 */
static bool next_in(const struct mapping *map, const void *prefix, size_t len,
		    struct sfshm_walk *walk)
{
	uint64_t *serial = &walk->place[0], *slot = &walk->place[1];

	if (*serial != map->serial + 1)
		*slot = 0;
	*serial = map->serial + 1;
	while (*slot < slots_used(map))
		if (read_key(map, (uint32_t)(*slot)++, prefix, len, walk))
			return true;
	return false;
}

static bool next_of_both(struct mapping *map, const void *prefix, size_t len,
			 struct sfshm_walk *walk)
{
	struct mapping *old = NULL;
	bool found = false;

	if (walk->place[0] != map->serial + 1)
		old = mapping_predecessor(map);
	if (old) {
		found = next_in(old, prefix, len, walk);
		mapping_put(old);
	}
	return found || next_in(map, prefix, len, walk);
}

int sfshm_next_key(struct sfshm *h, const void *prefix, size_t prefix_len,
		   struct sfshm_walk *walk)
{
	struct peer *p;
	int r;

	if (!walk || walk->size - sizeof(*walk) > SIZED_SURPLUS_MAX ||
	    (prefix_len && !prefix))
		return -EINVAL;
	if (prefix_len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	do {
		r = handle_enter_newest(h, &p);
		if (r)
			return r;
		if (next_of_both(p->map, prefix ? prefix : "", prefix_len,
				 walk))
			return 1;
	} while (handle_moved(p->map));
	return 0;
}
