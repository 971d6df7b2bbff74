/* SPDX-License-Identifier: MIT */
#include "store/table.h"

#include <errno.h>

#include <sfshm/flight.h>

#include "os/killpoint.h"

/* No chain is as long as this: a longer walk means a loop. */
static uint32_t longest_walk(const struct mapping *map)
{
	return map->geometry.slots + 64;
}

static int chain_lost(struct peer *p)
{
	if (epoch_expelled(p))
		return -EAGAIN;
	peer_count(p, COUNT_corrupt);
	return -EBADMSG;
}

/*
 * The look-up of readers: it writes nothing, and steps over marked slots.
 *
 * ORDER-L1 pairs ORDER-L2
 * A reader that follows a link sees all that was written before the slot was
 * linked: its key above all.
 */
int table_find(struct peer *p, const struct key *k, struct sighting *out)
{
	const struct mapping *map = p->map;
	uint64_t link = load_acquire(bucket_of(map, k->hash));
	uint32_t left = longest_walk(map);
	uint32_t order = key_order(k), index;

	while ((index = link_index(link))) {
		struct shm_slot *s = slot_at(map, index - 1);
		uint32_t hash;
		uint64_t ctl;

		if (unlikely(!s || !left--))
			return chain_lost(p);
		/* ORDER-F2 pairs ORDER-F1 */
		ctl = load_seq(&s->ctl);
		link = load_acquire(&s->next);
		hash = load_relaxed(&s->hash);
		if (likely(hash == order && !(link & LINK_MARK) &&
			   key_equal(map, k, s))) {
			out->slot = index - 1;
			out->ctl = ctl;
			/* Expelled readers may meet unlinked MAKING slots. */
			return unlikely(ctl_phase(ctl) == PHASE_MAKING &&
					epoch_expelled(p)) ?
				       -EAGAIN :
				       1;
		}
		if (hash > order)
			break;
	}
	return unlikely(epoch_expelled(p)) ? -EAGAIN : 0;
}

/* The place of a key in its chain. */
struct place {
	uint64_t *before;    /* the link to change */
	uint64_t link;       /* its value when looked at */
	struct shm_slot *at; /* the slot it leads to, if that is the key's */
};

static bool unlink_marked(struct place *pl, uint64_t next)
{
	uint64_t past = link_next(pl->link, link_index(next));

	if (!cas_acq_rel(pl->before, pl->link, past))
		return false;
	pl->link = past;
	return true;
}

/*
 * The look-up of writers: it unlinks every marked slot on its way. Returns 1
 * with the key's slot, 0 with its place, or an error.
 */
static int find_place(struct peer *p, const struct key *k, struct place *pl)
{
	struct mapping *map = p->map;
	uint32_t left;

again:
	left = longest_walk(map);
	pl->before = bucket_of(map, k->hash);
	pl->link = load_acquire(pl->before);
	pl->at = NULL;
	while (link_index(pl->link)) {
		struct shm_slot *s = slot_at(map, link_index(pl->link) - 1);
		uint64_t next;
		int order;

		if (!s || !left--)
			return chain_lost(p);
		next = load_acquire(&s->next);
		if (next & LINK_MARK) {
			if (!unlink_marked(pl, next))
				goto again;
			continue;
		}
		order = key_compare(map, k, s);
		if (order <= 0) {
			pl->at = order ? NULL : s;
			break;
		}
		pl->before = &s->next;
		pl->link = next;
	}
	if (epoch_expelled(p))
		return -EAGAIN;
	return pl->at != NULL;
}

int table_insert(struct peer *p, const struct key *k, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	struct place pl;

	for (;;) {
		int r = find_place(p, k, &pl);

		/* The slot to insert cannot be in the chain already. */
		if (r == 1 && pl.at == s)
			return chain_lost(p);
		if (r)
			return r < 0 ? r : -EEXIST;
		/*
		 * ORDER-L2 pairs ORDER-L1
		 * A reader comes to the slot by the link that the CAS below
		 * changes. An expelled reader that has stood on the slot since
		 * the slot's last life goes on by the slot's own link.
		 *
		 * ORDER-L4 pairs ORDER-L3
		 * The slot's control word has changed (FLIGHT-T1) before its
		 * own link changes.
		 */
		store_release(&s->next, link_next(load_relaxed(&s->next),
						  link_index(pl.link)));
		if (cas_acq_rel(pl.before, pl.link,
				link_next(pl.link, slot + 1)))
			return 0;
	}
}

static int key_of(struct peer *p, struct shm_slot *s, uint8_t *buf,
		  struct key *k)
{
	int n = key_load(p->map, s, buf);

	if (n < 0)
		return n;
	*k = key_make(p->map, slot_kind(s), buf, (size_t)n);
	return 0;
}

/*
 * Sets the mark only on a link that it read while the slot was retired. In the
 * slot's next life the link's tag differs, so a helper that comes late fails
 * (TABLE-4).
 */
static bool mark(struct shm_slot *s, uint64_t ctl)
{
	for (;;) {
		/*
		 * ORDER-L3 pairs ORDER-L4
		 * If this load returns a link of the slot's next life, the next
		 * load shows that the control word has changed.
		 */
		uint64_t next = load_acquire(&s->next);

		if (load_seq(&s->ctl) != ctl)
			return false;
		if (next & LINK_MARK ||
		    cas_acq_rel(&s->next, next, next | LINK_MARK))
			return true;
	}
}

int table_unlink(struct peer *p, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint8_t buf[SFSHM_KEY_MAX];
	struct place pl;
	struct key k;
	int r = key_of(p, s, buf, &k);

	if (load_seq(&s->ctl) != ctl)
		return 0;
	if (r)
		return r;
	if (!mark(s, ctl))
		return 0;
	kill_point(retire_marked);
	r = find_place(p, &k, &pl);
	return r < 0 ? r : 0;
}

int table_contains(struct peer *p, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint8_t buf[SFSHM_KEY_MAX];
	struct place pl = { 0 };
	struct key k;
	int r = key_of(p, s, buf, &k);

	if (!r)
		r = find_place(p, &k, &pl);
	return r < 0 ? r : pl.at == s;
}
