/* SPDX-License-Identifier: MIT */
/* The bytes of a chain. */
#include "store/arena.h"

/*
 * Finds the bytes of a run of `len` bytes (ARENA-5). Returns `len`, or 0 if the
 * run is broken.
 */
static size_t whole_run(const struct mapping *map, uint32_t ref, uint64_t len,
			uint8_t **at)
{
	const uint32_t last = map->inline_granules + granules_used(map);
	uint64_t end = ref + (uint64_t)granules_for(len) - 1;
	uint64_t second, ends;

	if (ref <= map->inline_granules || ref >= end || end > last)
		return 0;
	second = load_relaxed(&map->tags[ref]);
	ends = load_relaxed(&map->tags[end - 1]);
	if (!tag_names(second, ends) || !ends || tag_next(ends))
		return 0;
	*at = granule_at(map, ref - 1);
	return len;
}

/* Whether four granules' tags lead to `next` and the three after it. */
static force_inline bool four_neighbours(const uint64_t *tag, uint32_t next)
{
	uint64_t differs = 0;

	for (uint32_t i = 0; i < 4; i++)
		differs |= load_relaxed(&tag[i]) ^ (next + i);
	return !(differs & TAG_NEXT_MASK);
}

/*
 * Finds the next contiguous stretch of a chain, `len` bytes at most, and sets
 * *ref to the granule after it. Returns its size, or 0 if the chain is broken.
 */
static size_t stretch(const struct mapping *map, uint32_t *ref, uint64_t len,
		      uint8_t **at)
{
	const uint32_t last = map->inline_granules + granules_used(map);
	const uint64_t *tags = map->tags;
	uint32_t r = *ref, next = r;
	const uint64_t four = UINT64_C(4) * SHM_GRANULE;
	uint64_t n = SHM_GRANULE;

	if (r & SHM_RUN) {
		*ref = 0;
		return whole_run(map, arena_head(r), len, at);
	}
	if (!tag_at(map, r))
		return 0;
	*at = granule_at(map, r - 1);
	if (r <= map->inline_granules && n < len) {
		*ref = tag_next(load_relaxed(&tags[r - 1]));
		return n;
	}
	for (; n + four < len && r + 4 <= last; r += 4) {
		if (!four_neighbours(&tags[r - 1], r + 1))
			break;
		n += four;
	}
	/* `r++`, not `r = next`: so no load waits for the load before it. */
	for (; n < len; n += SHM_GRANULE, r++) {
		next = tag_next(load_relaxed(&tags[r - 1]));
		if (next != r + 1 || next > last)
			break;
	}
	*ref = next;
	return n < len ? n : len;
}

int arena_read_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		    void *to, uint64_t len)
{
	uint8_t *dst = to, *src;

	while (len) {
		size_t n = stretch(map, &ref, len + skip, &src);

		if (!n)
			return -EBADMSG;
		n -= skip;
		copy_torn(dst, src + skip, n);
		skip = 0;
		dst += n;
		len -= n;
	}
	compiler_barrier();
	return 0;
}

int arena_write_long(const struct mapping *map, uint32_t ref, uint32_t skip,
		     const struct iovec *iov, int count)
{
	uint8_t *dst = NULL;
	uint64_t total = skip, room = 0;

	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	for (int i = 0; i < count; i++) {
		const uint8_t *src = iov[i].iov_base;
		size_t left = iov[i].iov_len;

		while (left) {
			size_t n;

			if (!room)
				room = stretch(map, &ref, total, &dst);
			if (!room)
				return -EBADMSG;
			dst += skip;
			room -= skip;
			total -= skip;
			skip = 0;
			n = left < room ? left : (size_t)room;
			copy_torn(dst, src, n);
			dst += n;
			room -= n;
			total -= n;
			src += n;
			left -= n;
		}
	}
	return 0;
}

/*
 * Skips the whole granules among the first *offset bytes of a chain, and leaves
 * the rest in *offset. Returns the granule after those; 0: the chain is broken.
 */
static uint32_t skip(const struct mapping *map, uint32_t ref, uint64_t *offset)
{
	while (*offset >= SHM_GRANULE) {
		uint64_t *tag = tag_at(map, ref);

		if (!tag)
			return 0;
		ref = tag_next(load_relaxed(tag));
		*offset -= SHM_GRANULE;
	}
	return ref;
}

int arena_pieces(const struct mapping *map, uint32_t ref, uint64_t offset,
		 uint64_t len, struct iovec *iov, int max)
{
	int n = 0;

	if (!(ref & SHM_RUN))
		ref = skip(map, ref, &offset);
	len += offset;
	while (len && n < max) {
		uint8_t *at;
		size_t size = stretch(map, &ref, len, &at);

		if (!size)
			return -EBADMSG;
		iov[n].iov_base = at + offset;
		iov[n].iov_len = size - offset;
		len -= size;
		offset = 0;
		n++;
	}
	return n;
}
