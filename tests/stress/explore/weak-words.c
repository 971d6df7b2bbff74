/* SPDX-License-Identifier: MIT */
/*
 * From an address to its word. A table of granules, whose entries of earlier
 * runs count as free.
 */
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "weak-state.h"

#define LOCATIONS 4096
#define GRANULES 8192 /* a power of 2 */
#define GRANULE 8

struct granule {
	uintptr_t base;
	uint32_t run;
	uint16_t word[GRANULE]; /* of each byte: its location + 1, or 0 */
};

struct message messages[MESSAGES];
uint32_t message_count;

static struct location locations[LOCATIONS];
static struct granule granules[GRANULES];
static uint32_t location_count, granule_count, run;

void give_up(const char *why, const void *at)
{
	fprintf(stderr, "weak memory: %s, at %p\n", why, at);
	abort();
}

void words_reset(void)
{
	message_count = 1;
	location_count = 0;
	granule_count = 0;
	if (!++run) {
		memset(granules, 0, sizeof(granules));
		run = 1;
	}
}

static uint64_t memory_read(const void *at, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static struct granule *granule_of(uintptr_t base)
{
	uint64_t hash = base / GRANULE * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i = (uint32_t)(hash >> 32) % GRANULES;

	while (granules[i].run == run) {
		if (granules[i].base == base)
			return &granules[i];
		i = (i + 1) % GRANULES;
	}
	if (++granule_count > GRANULES / 2)
		give_up("too many words", (void *)base);
	granules[i] = (struct granule){ .base = base, .run = run };
	return &granules[i];
}

struct message *message_new(uint64_t value)
{
	struct message *m = &messages[message_count];

	if (++message_count >= MESSAGES)
		give_up("too many stores in one run", NULL);
	memset(m, 0, sizeof(*m));
	m->value = value;
	m->first = front_empty;
	m->ordered = front_empty;
	return m;
}

/* `before`: what has been handed on by stores there; NULL: there were none. */
static struct location *location_new(struct granule *g, unsigned int offset,
				     unsigned int size,
				     const struct message *before)
{
	void *at = (void *)(g->base + offset);
	struct location *l = &locations[location_count];
	struct message *m = message_new(memory_read(at, size));

	if (++location_count >= LOCATIONS)
		give_up("too many words", at);
	for (unsigned int i = offset; i < offset + size; i++)
		g->word[i] = (uint16_t)location_count;
	if (before) {
		m->sync = before->sync;
		m->older = before->older;
	}
	/* Everybody knows of it. */
	m->first[0] = 0;
	*l = (struct location){ at, size, index_of(m) };
	return l;
}

static void message_merge(struct message *to, const struct message *m)
{
	absorb(&to->sync, &m->sync);
	to->older = clock_join(to->older, eco_into(m, WRITE));
}

/* The words there end, and a new one begins; bytes around it are words, too. */
static struct location *location_resize(struct granule *g, unsigned int offset,
					unsigned int size)
{
	unsigned int low = offset, high = offset + size;
	struct message before = { 0 };

	for (unsigned int i = offset; i < offset + size; i++) {
		struct location *l;
		unsigned int from;

		if (!g->word[i])
			continue;
		l = &locations[g->word[i] - 1];
		from = (unsigned int)((uintptr_t)l->at % GRANULE);
		low = from < low ? from : low;
		high = from + l->size > high ? from + l->size : high;
		message_merge(&before, newest_of(l));
	}
	for (unsigned int i = low; i < high; i++)
		if (i < offset || i >= offset + size)
			location_new(g, i, 1, &before);
	return location_new(g, offset, size, &before);
}

struct location *location_of(const void *at, unsigned int size)
{
	unsigned int offset = (unsigned int)((uintptr_t)at % GRANULE);
	struct granule *g = granule_of((uintptr_t)at - offset);
	struct location *l;

	if (offset % size)
		give_up("a word that is not aligned", at);
	if (!g->word[offset])
		return location_resize(g, offset, size);
	l = &locations[g->word[offset] - 1];
	if (l->at != at || l->size != size)
		return location_resize(g, offset, size);
	if (memory_read(at, size) != newest_of(l)->value)
		give_up("a store went past the engine", at);
	return l;
}

static bool all_know(unsigned int alive, const struct message *m)
{
	for (unsigned int id = 0; id < WEAK_THREADS; id++)
		if (alive >> id & 1 &&
		    !clock_meets(threads[id].now.happened, m->first))
			return false;
	return true;
}

/* Of the messages that somebody may still read. */
static uint64_t location_hash(const struct location *l, unsigned int alive)
{
	uint64_t h = (uintptr_t)l->at;
	const struct message *m = newest_of(l);

	for (;; m = &messages[m->next]) {
		h = XXH3_64bits_withSeed(m, offsetof(struct message, next), h);
		if (all_know(alive, m))
			return h;
	}
}

/* Words are met in any order; each byte belongs to one. */
uint64_t words_hash(unsigned int alive)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < location_count; i++)
		h += location_hash(&locations[i], alive);
	return h;
}
