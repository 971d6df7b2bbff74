/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Generations that are remembered of a key. */
#define MOST_KEPT 4096

/* How many are not above it; searched from the latest, which mostly is near. */
static uint32_t place_of(const struct history *h, uint64_t generation)
{
	uint32_t n = h->n;

	while (n && h->all[n - 1].generation > generation)
		n--;
	return n;
}

static struct publication *find(const struct history *h, uint64_t generation)
{
	uint32_t n = place_of(h, generation);

	if (n && h->all[n - 1].generation == generation)
		return &h->all[n - 1];
	return NULL;
}

static void make_room(struct history *h)
{
	if (h->n == MOST_KEPT) {
		h->n /= 2;
		h->forgotten = h->all[h->n - 1].generation;
		memmove(h->all, h->all + h->n, h->n * sizeof(*h->all));
	}
	if (h->n < h->room)
		return;
	h->room = h->room ? 2 * h->room : 4;
	h->all = realloc(h->all, h->room * sizeof(*h->all));
	if (!h->all)
		_exit(2);
}

struct publication *history_at(struct history *h, uint64_t generation)
{
	struct publication *p = find(h, generation);
	uint32_t n;

	if (p)
		return p;
	make_room(h);
	n = place_of(h, generation);
	p = &h->all[n];
	memmove(p + 1, p, (h->n - n) * sizeof(*p));
	h->n++;
	*p = (struct publication){ .generation = generation };
	return p;
}

enum verdict history_announce(struct history *h, uint64_t generation,
			      uint64_t sum)
{
	struct publication *p = history_at(h, generation);

	if (p->announced)
		return HISTORY_TWICE;
	p->announced = true;
	p->sum = sum;
	return HISTORY_FITS;
}

enum verdict history_refuse(struct history *h, uint64_t generation)
{
	struct publication *p = find(h, generation);

	if (!p)
		return HISTORY_FITS;
	p->refused = true;
	return p->read ? HISTORY_REFUSED : HISTORY_FITS;
}

enum verdict history_read(struct history *h, uint64_t generation, uint64_t sum)
{
	struct publication *p = find(h, generation);

	if (!p && generation <= h->forgotten)
		return HISTORY_TOO_OLD;
	if (!p || !p->announced)
		return HISTORY_EARLY;
	p->read = true;
	if (p->refused)
		return HISTORY_REFUSED;
	return p->sum == sum ? HISTORY_FITS : HISTORY_OTHER;
}
