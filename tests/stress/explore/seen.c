/* SPDX-License-Identifier: MIT */
#include "seen.h"

#include <stdlib.h>
#include <string.h>

/* An entry: the hash but for its last three bits, which are `left` + 1. */
#define LEFT 7u
#define LEAST (1u << 16)
#define MOST (1u << 26)

static uint64_t *table;
static size_t room, used;

void seen_forget(void)
{
	if (room > LEAST) {
		free(table);
		table = NULL;
		room = 0;
	} else if (table) {
		memset(table, 0, room * sizeof(*table));
	}
	used = 0;
}

static uint64_t *find(uint64_t *in, size_t size, uint64_t hash)
{
	size_t i = (hash >> 3) & (size - 1);

	while (in[i] && (in[i] ^ hash) >> 3)
		i = (i + 1) & (size - 1);
	return &in[i];
}

static void grow(void)
{
	size_t more = room ? 2 * room : LEAST;
	uint64_t *fresh = more <= MOST ? calloc(more, sizeof(*fresh)) : NULL;

	if (!fresh)
		return;
	for (size_t i = 0; i < room; i++)
		if (table[i])
			*find(fresh, more, table[i]) = table[i];
	free(table);
	table = fresh;
	room = more;
}

bool seen_add(uint64_t hash, unsigned int left, uint64_t *count)
{
	uint64_t *at;

	if (used * 4 >= room * 3)
		grow();
	at = find(table, room, hash);
	if (*at) {
		if ((*at & LEFT) > left)
			return false;
	} else {
		++*count;
		if (used * 8 >= room * 7)
			return true;
		used++;
	}
	*at = (hash & ~(uint64_t)LEFT) | (left + 1);
	return true;
}
