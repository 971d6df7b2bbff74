/* SPDX-License-Identifier: MIT */
#include "store/key.h"

#include <errno.h>
#include <string.h>

#include <sfshm/flight.h>

int key_load(const struct mapping *map, const struct shm_slot *s, uint8_t *buf)
{
	uint32_t len = slot_key_len(s);
	int r;

	if (len == 0 || len > SFSHM_KEY_MAX)
		return -EBADMSG;
	if (len <= SHM_INLINE_KEY) {
		copy_torn(buf, s->key, len);
		return (int)len;
	}
	r = arena_read(map, load_relaxed(key_ref_of(s)), buf, len);
	return r ? r : (int)len;
}

/* Called only if the hash's upper half, kind and length agree. */
static int compare_long(const struct mapping *map, const struct key *k,
			const struct shm_slot *s)
{
	uint8_t buf[SFSHM_KEY_MAX];

	if (key_load(map, s, buf) != (int)k->len)
		return -1;
	return memcmp(k->data, buf, k->len);
}

bool key_equal_long(const struct mapping *map, const struct key *k,
		    const struct shm_slot *s)
{
	return compare_long(map, k, s) == 0;
}

static int compare_short(const struct key *k, const struct shm_slot *s)
{
	uint8_t buf[SHM_INLINE_KEY];

	copy_torn(buf, s->key, sizeof(buf));
	return memcmp(k->data, buf, k->len);
}

int key_compare(const struct mapping *map, const struct key *k,
		const struct shm_slot *s)
{
	uint32_t order = load_relaxed(&s->hash);
	uint32_t tag = load_relaxed(&s->key_tag);

	if (key_order(k) != order)
		return key_order(k) < order ? -1 : 1;
	if (k->tag != tag)
		return k->tag < tag ? -1 : 1;
	return k->len <= SHM_INLINE_KEY ? compare_short(k, s) :
					  compare_long(map, k, s);
}

int key_store(struct peer *p, uint32_t slot, const struct key *k)
{
	struct shm_slot *s = &p->map->slots[slot];
	struct iovec bytes = {
		.iov_base = (void *)(uintptr_t)k->data,
		.iov_len = k->len,
	};
	uint32_t ref;
	int r;

	/*
	 * ORDER-K1 pairs ORDER-K2
	 * A reader that sees a byte of the new key sees the slot's claim, too.
	 */
	fence_release();
	store_relaxed(&s->hash, key_order(k));
	if (k->len <= SHM_INLINE_KEY) {
		copy_torn(s->key, k->data, k->len);
		store_relaxed(&s->key_tag, (uint16_t)k->tag);
		return 0;
	}
	store_relaxed(key_ref(s), 0);
	store_relaxed(&s->key_tag, (uint16_t)k->tag);
	r = arena_build(p, granules_for(k->len), &ref);
	fence_release();
	if (!r)
		r = arena_write(p->map, ref, &bytes, 1);
	if (!r)
		arena_hand_over(p, slot, key_ref(s));
	return r;
}

void key_free(struct peer *p, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];

	if (slot_key_len(s) > SHM_INLINE_KEY)
		arena_free(p, slot, key_ref(s));
	store_relaxed(&s->key_tag, 0);
}
