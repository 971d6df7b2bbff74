/* SPDX-License-Identifier: MIT */
#include "top/detach.h"

#include <errno.h>
#include <string.h>

#include "os/process.h"
#include "peer/wait.h"
#include "top/call.h"

void detach_lock(const struct sfshm *h, uint64_t task, struct hold *held)
{
	struct peer *p = peer_of(held->life);
	uint64_t number = detached_new();
	const struct detached d = {
		.handle = h,
		.task = task,
		.serial = p->map->serial,
		.ctl = held->ctl,
		.slot = held->slot,
		.lock = true,
	};

	lock_detach(held, p, number);
	detached_open(number, &d);
}

void detach_permit(const struct sfshm *h, uint64_t task,
		   const struct semaphore *s, struct permit *t)
{
	struct peer *p = peer_of(t->life);
	uint64_t number = detached_new();
	struct detached d = { .handle = h, .task = task };

	t->serial = p->map->serial;
	store_relaxed(&t->life, number);
	permit_detach(p, s, t->word, number, &d);
}

/*
 * Claims the entry `number`, and attaches the calling thread to the mapping.
 * -ESTALE: another thread has ended what the entry lists, or is about to; or
 * the mapping is gone.
 */
static int begin(uint64_t number, uint64_t cookie, const struct mapping *map,
		 uint64_t serial, struct peer **out)
{
	int r;

	if (cookie != process_cookie())
		return -ECHILD;
	if (!detached_claim(number))
		return -ESTALE;
	r = call_attach(map, serial, out);
	if (r == -ESTALE)
		detached_free(number);
	else if (r)
		detached_unclaim(number);
	return r;
}

static int unlock(struct hold *held, uint64_t number)
{
	struct peer *p;
	bool doubtful;
	int r = begin(number, load_relaxed(&held->cookie),
		      load_relaxed(&held->map), held->serial, &p);

	if (r)
		return r;
	doubtful = flight_is_doubtful(p->map, held->slot, held->ctl);
	if (doubtful)
		handle_warn_newcomers(p->map);
	r = lock_release_here(held, p);
	store_relaxed(&held->map, NULL);
	detached_free(number);
	return doubtful && !r ? -ESHUTDOWN : r;
}

int detach_unlock(struct hold *held)
{
	int state = uncancelled_begin();
	int r = unlock(held, load_relaxed(&held->life));

	uncancelled_end(state);
	return r;
}

static void rest(const struct peer *p)
{
	if (!p->permits && load_relaxed(&peer_several))
		peer_rest();
}

static int release(const struct permit *t, uint64_t number)
{
	struct detached d;
	struct peer *p;
	int r = begin(number, t->cookie, t->map, t->serial, &p);

	if (r)
		return r;
	removal_look_if_due(p->map);
	detached_read(number, &d);
	r = permit_end(p, number, &d);
	detached_free(number);
	rest(p);
	return !r && removal_known(p->map) ? -ESHUTDOWN : r;
}

int detach_release(struct permit *t)
{
	int state = uncancelled_begin();
	int r = release(t, load_relaxed(&t->life));

	uncancelled_end(state);
	return r;
}

static int read_key(const struct hold *held, uint8_t key[SFSHM_KEY_MAX])
{
	uint64_t number = load_relaxed(&held->life);
	struct peer *p;
	int n = begin(number, held->cookie, load_relaxed(&held->map),
		      held->serial, &p);

	if (n)
		return n;
	n = key_load(p->map, &p->map->slots[held->slot], key);
	detached_unclaim(number);
	return n;
}

int detach_lock_key(const struct hold *held, void *buffer, size_t size)
{
	int state = uncancelled_begin();
	uint8_t key[SFSHM_KEY_MAX];
	int n = read_key(held, key);

	uncancelled_end(state);
	if (n > 0 && size)
		memcpy(buffer, key, (size_t)n < size ? (size_t)n : size);
	return n;
}

bool detach_give_back(const struct detached *d, struct peer *p, uint64_t number)
{
	struct hold held = { .map = p->map, .ctl = d->ctl, .slot = d->slot };
	bool had;

	if (d->lock)
		return !lock_release_here(&held, p);
	had = !permit_end(p, number, d);
	rest(p);
	return had;
}
