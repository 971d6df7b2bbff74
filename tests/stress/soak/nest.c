/* SPDX-License-Identifier: MIT */
/*
 * Locks, permits, flights and flights under a claim, held while a worker waits
 * for more of them, without a time-out. Some workers take theirs in any order:
 * the library refuses what would close a circle, and every other wait ends.
 * The others take theirs in one order, and are never refused. Each side has
 * names of its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm.h>
#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "board.h"

#define THINGS 12
#define MOST 4

enum kind { LOCK, PERMIT, FLIGHT, CLAIM, KINDS };

struct held {
	enum kind kind;
	uint32_t rank;
	union {
		struct sfshm_lock lock;
		struct sfshm_permit permit;
		struct sfshm_flight flight;
	};
};

static struct held held[MOST];
static unsigned int n;
static bool ordered;

static enum kind kind_of(uint32_t thing)
{
	return (enum kind)(thing % KINDS);
}

static size_t name_of(char *name, size_t size, uint32_t thing, bool in_order)
{
	return (size_t)snprintf(name, size, "nest %s %" PRIu32,
				in_order ? "ordered" : "free", thing);
}

static int take_lock(struct sfshm *handle, uint32_t thing, struct held *h)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	char name[32];
	size_t len = name_of(name, sizeof(name), thing, ordered);
	int r;

	o.rank = h->rank;
	r = sfshm_lock(handle, name, len, &o, &h->lock);
	return r == SFSHM_OWNER_DIED ? 0 : r;
}

/* With one permit: its holder has them all, so circles are seen. */
static int take_permit(struct sfshm *handle, uint32_t thing, struct held *h)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	char name[32];
	size_t len = name_of(name, sizeof(name), thing, ordered);

	if (random_below(20) == 0) {
		int r = sfshm_semaphore_remove(handle, name, len);

		if (r && r != -EBUSY && r != -ENODATA)
			violation("semaphore_remove says: %s",
				  sfshm_strerror(r));
	}
	o.max = 1;
	o.rank = h->rank;
	return sfshm_acquire(handle, name, len, &o, &h->permit);
}

/* Two keys share a claim. -ENOMSG: another one's result. */
static int take_flight(struct sfshm *handle, uint32_t thing, struct held *h)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char name[32], key[40];
	size_t len = name_of(name, sizeof(name), thing, ordered);
	int r, key_len;

	policy.flags = SFSHM_REFRESH;
	if (h->kind == CLAIM) {
		policy.claim_key = name;
		policy.claim_key_len = len;
	}
	key_len = snprintf(key, sizeof(key), "%s, %" PRIu32, name,
			   h->kind == CLAIM ? random_below(2) : 0);
	r = sfshm_begin(handle, key, (size_t)key_len, &policy, &h->flight,
			&result);
	sfshm_result_clear(&result);
	if (r == SFSHM_LEADER)
		return 0;
	return r >= 0 ? -ENOMSG : r;
}

static uint32_t highest_rank(void)
{
	uint32_t most = 0;

	for (unsigned int i = 0; i < n; i++)
		if (held[i].rank > most)
			most = held[i].rank;
	return most;
}

static void judge(const struct held *h, int r)
{
	if (r == -EDEADLK)
		count(TALLY_circles);
	else if (r == -EDOM)
		count(TALLY_ranks_refused);
	if (r == -EDEADLK && ordered)
		violation("a wait in order is refused");
	else if (r == -EDOM && !(h->rank && h->rank <= highest_rank()))
		violation("a rank that is above all others is refused");
	else if (r && r != -EDEADLK && r != -EDOM && r != -ENOMSG &&
		 r != -ENOSPC)
		violation("a nested wait for a %d says: %s", (int)h->kind,
			  sfshm_strerror(r));
}

/* False: nothing more is to be had. */
static bool take(struct sfshm *handle, uint32_t thing)
{
	struct held *h = &held[n];
	int r;

	h->kind = kind_of(thing);
	h->rank = 0;
	if (h->kind <= PERMIT)
		h->rank = ordered ? thing + 1 : random_below(4);
	switch (h->kind) {
	case LOCK: r = take_lock(handle, thing, h); break;
	case PERMIT: r = take_permit(handle, thing, h); break;
	default: r = take_flight(handle, thing, h);
	}
	judge(h, r);
	n += r == 0;
	return r == 0 || r == -ENOMSG || r == -EDOM;
}

static void give_back(struct held *h)
{
	int r;

	switch (h->kind) {
	case LOCK: r = sfshm_unlock(&h->lock); break;
	case PERMIT: r = sfshm_permit_release(&h->permit); break;
	default:
		r = random_below(2) ? sfshm_publish(&h->flight, "v", 1) :
				      -ENOSPC;
		if (r == -ENOSPC)
			r = sfshm_release(&h->flight);
	}
	if (r < 0)
		violation("the end of a nested %d says: %s", (int)h->kind,
			  sfshm_strerror(r));
}

void nest(struct sfshm *handle, bool in_order)
{
	uint32_t wanted = 1 + random_below(MOST), thing = 0;

	ordered = in_order;
	for (uint32_t i = 0; i < wanted; i++) {
		thing = ordered ? thing + random_below(3) :
				  random_below(THINGS);
		if (thing >= THINGS || !take(handle, thing))
			break;
		thing++;
	}
	if (random_below(4) == 0)
		usleep(random_below(500));
	count(TALLY_nests);
	while (n)
		give_back(&held[--n]);
}

void nest_clear(struct sfshm *handle)
{
	char name[32];

	for (uint32_t i = 0; i < 2 * THINGS; i++) {
		size_t len = name_of(name, sizeof(name), i / 2, i % 2);

		if (kind_of(i / 2) == PERMIT)
			semaphore_clear(handle, name, len);
		if (kind_of(i / 2) == LOCK)
			lock_clear(handle, name, len);
	}
}
