/* SPDX-License-Identifier: MIT */
/* The public calls on semaphores. */
#include <sfshm/semaphore.h>

#include <errno.h>
#include <string.h>

#include <sfshm/lock.h>

#include "top/call.h"
#include "top/detach.h"
#include "top/lookup.h"
#include "top/parked.h"
#include "top/rank.h"

#define ALL_FLAGS                                             \
	(SFSHM_SEMAPHORE_TRY | SFSHM_SEMAPHORE_CANCEL_FIRST | \
	 SFSHM_SEMAPHORE_ABORT | SFSHM_SEMAPHORE_DETACHED)

static inline struct permit *permit_of(const struct sfshm_permit *permit)
{
	return (struct permit *)(uintptr_t)permit;
}

static_assert(SFSHM_PERMITS_MAX <= SHM_PERMITS, "each permit has a word");

static int check_name(const void *name, size_t len)
{
	if (!name || !len)
		return -EINVAL;
	return len > SFSHM_KEY_MAX ? -ENAMETOOLONG : 0;
}

static inline bool is_called(const struct semaphore_known *k,
			     const struct lookup *w)
{
	if (k->len != w->len)
		return false;
	return w->len <= SHM_INLINE_KEY ?
		       key_equal_short(w->name, k->name, k->len) :
		       !memcmp(k->name, w->name, w->len);
}

static inline struct semaphore_known *recall(const struct lookup *w)
{
	struct semaphore_cache *c = w->p->semaphores;

	for (int i = 0; c && i < SEMAPHORE_CACHED; i++) {
		struct semaphore_known *k = &c->known[i];

		if (is_called(k, w) && semaphore_stands(&k->s))
			return k;
	}
	return NULL;
}

/*
 * Finds the semaphore, in the successor if the segment has moved. Returns 0,
 * MOVED or an error.
 */
static int seek(struct lookup *w, bool may_make, bool try)
{
	struct semaphore_known *k;
	int r = handle_enter_newest(w->handle, &w->p);

	if (unlikely(r))
		return r;
	k = recall(w);
	if (unlikely(!k || load_relaxed(&w->p->map->predecessor)))
		return lookup_slowly(w, may_make, try);
	w->s = &k->s;
	w->hint = &k->hint;
	return 0;
}

static int check_options(const struct sfshm_semaphore_options *o)
{
	if (!o)
		return 0;
	if (o->max > SFSHM_PERMITS_MAX || o->rank > SFSHM_LOCK_RANK_MAX ||
	    o->flags & ~(uint32_t)ALL_FLAGS ||
	    (o->flags & SFSHM_SEMAPHORE_DETACHED && o->rank))
		return -EINVAL;
	if (o->why && o->why_size)
		o->why[0] = '\0';
	return 0;
}

static int check_rank(const struct lookup *w)
{
	const struct sfshm_semaphore_options *o = w->odd;
	const struct rank_wish wish = {
		.kind = SHM_SEMAPHORE,
		.key = w->name,
		.len = w->len,
		.rank = o->rank,
		.abort = o->flags & SFSHM_SEMAPHORE_ABORT,
		.why = o->why,
		.why_size = o->why_size,
	};
	struct peer *holder = rank_conflict(w->p, o->rank);

	return holder ? rank_refuse(holder, &wish) : 0;
}

/*
 * Checks the rank, if there is one. Else the permit is to be the process's:
 * makes sure that there is an entry for it (sync/detached.h).
 */
static int check_odd(const struct lookup *w)
{
	if (w->odd->rank)
		return check_rank(w);
	return detached_reserve() ? 0 : -ENOMEM;
}

static void fill(struct permit *t, const struct lookup *w, uint32_t i)
{
	t->map = w->s->map;
	t->life = w->p->life;
	t->word = semaphore_word(w->s, i);
	t->cookie = w->p->cookie;
	t->slot = w->s->slot;
	t->rank = 0;
	if (likely(!w->odd))
		return;
	t->rank = w->odd->rank;
	if (t->rank)
		rank_note(w->p, t->rank, t->slot);
	else
		detach_permit(w->handle, w->odd->task, w->s, t);
}

static int acquire_once(struct lookup *w, struct acquire *a)
{
	int r = seek(w, true, a->how == ACQUIRE_TRIES);

	if (!r && unlikely(w->odd))
		r = check_odd(w);
	if (unlikely(r))
		return r;
	a->self = w->p;
	a->s = w->s;
	a->hint = *w->hint;
	r = semaphore_acquire(a);
	if (likely(!r))
		*w->hint = a->hint;
	return r;
}

/*
 * Takes a permit, once the arguments are checked. Parks the wait in *polled
 * instead of sleeping, unless `polled` is NULL.
 */
static force_inline int acquire(struct sfshm *handle, const void *name,
				size_t name_len,
				const struct sfshm_semaphore_options *options,
				struct permit *t, struct polled *polled)
{
	struct acquire a;
	struct lookup w;
	int r;

	w.handle = handle;
	w.name = name;
	w.len = name_len;
	w.max = options ? options->max : 0;
	w.odd = options && (options->rank ||
			    options->flags & SFSHM_SEMAPHORE_DETACHED) ?
			options :
			NULL;
	w.wait = &a;
	/* Read this before the handle's mapping, so that no close is missed. */
	a.closing = handle ? &handle->closing : NULL;
	a.closing_seen = handle ? load_acquire(a.closing) : 0;
	a.cancel = options ? options->cancel : NULL;
	a.deadline = options ? options->deadline_ns : 0;
	a.timeout_ms = options ? options->wait_timeout_ms : 0;
	a.task = options ? options->task : 0;
	a.how = options && options->flags & SFSHM_SEMAPHORE_TRY ?
			ACQUIRE_TRIES :
			ACQUIRE_SLEEPS;
	if (polled) {
		a.closing_seen = polled->closing_seen;
		a.park = &polled->park;
		if (a.how == ACQUIRE_SLEEPS)
			a.how = ACQUIRE_PARKS;
	}
	a.first = options && options->flags & SFSHM_SEMAPHORE_CANCEL_FIRST ?
			  options->cancel :
			  NULL;
	do {
		r = acquire_once(&w, &a);
	} while (unlikely(r == MOVED));
	if (likely(!r))
		fill(t, &w, a.hint);
	return r;
}

static force_inline int check(const void *name, size_t len,
			      const struct sfshm_semaphore_options **options,
			      struct sfshm_semaphore_options *own)
{
	int r = check_name(name, len);

	if (likely(!r))
		r = sized_adopt(options, own);
	return likely(!r) ? check_options(*options) : r;
}

int sfshm_acquire(struct sfshm *handle, const void *name, size_t name_len,
		  const struct sfshm_semaphore_options *options,
		  struct sfshm_permit *permit)
{
	struct permit *t = permit_of(permit);
	struct sfshm_semaphore_options own;
	int r;

	if (unlikely(!permit))
		return -EINVAL;
	t->map = NULL;
	r = check(name, name_len, &options, &own);
	if (unlikely(r))
		return r;
	return acquire(handle, name, name_len, options, t, NULL);
}

int permit_check(const void *name, size_t len,
		 const struct sfshm_semaphore_options **options,
		 struct sfshm_semaphore_options *own,
		 struct sfshm_permit *permit)
{
	permit_of(permit)->map = NULL;
	return check(name, len, options, own);
}

int permit_ask(struct sfshm *handle, const void *name, size_t len,
	       const struct sfshm_semaphore_options *options,
	       struct sfshm_permit *permit, struct polled *polled)
{
	permit_of(permit)->map = NULL;
	if (polled_is_closed(polled))
		return -ESHUTDOWN;
	return acquire(handle, name, len, options, permit_of(permit), polled);
}

int sfshm_permit_release(struct sfshm_permit *permit)
{
	struct permit *t = permit_of(permit);
	struct peer *p;
	int r;

	if (!t)
		return -EINVAL;
	if (!t->map)
		return 0;
	p = peer_of(load_relaxed(&t->life));
	if (unlikely(!p && permit_of_process(t)))
		return detach_release(t);
	if (unlikely(!p))
		return t->cookie != process_cookie() ?
			       -ECHILD :
			       call_not_mine(t->map, t->life);
	/*
	 * The program's own robust mutexes may have cleared list_op_pending
	 * (WAIT-6).
	 */
	wait_rest(p);
	removal_look_if_due(p->map);
	r = semaphore_give_back(p, t->slot, t->word);
	if (removal_known(p->map) && !r)
		r = -ESHUTDOWN;
	t->map = NULL;
	if (unlikely(t->rank))
		rank_drop(p, t->rank);
	if (!--p->permits && unlikely(load_relaxed(&peer_several)))
		peer_rest();
	return r;
}

void sfshm_permit_cleanup(struct sfshm_permit *permit)
{
	(void)sfshm_permit_release(permit);
}

static int info_once(struct lookup *w, struct sfshm_semaphore_info *info)
{
	int r = seek(w, false, true);

	if (r)
		return r;
	semaphore_reap(w->s);
	info->max = semaphore_max(w->s);
	info->waiters = peer_waiters(w->s->map, w->s->slot);
	if (w->s->before) {
		semaphore_reap(&w->before);
		info->waiters += peer_waiters(w->before.map, w->before.slot);
	}
	info->in_use = semaphore_held(w->s);
	return handle_moved(w->p->map) ? MOVED : 0;
}

int sfshm_semaphore_info(struct sfshm *handle, const void *name,
			 size_t name_len, struct sfshm_semaphore_info *info)
{
	struct lookup w = {
		.handle = handle,
		.name = name,
		.len = name_len,
	};
	struct sfshm_semaphore_info own = { 0 };
	int r = check_name(name, name_len);

	if (!r && !sized_is_valid(info, sizeof(own)))
		r = -EINVAL;
	if (r)
		return r;
	do {
		r = info_once(&w, &own);
	} while (r == MOVED);
	if (!r)
		sized_write(info, &own, sizeof(own));
	return r;
}

int sfshm_semaphore_set_max(struct sfshm *handle, const void *name,
			    size_t name_len, uint32_t max)
{
	struct lookup w = {
		.handle = handle,
		.name = name,
		.len = name_len,
		.max = max,
	};
	int r = check_name(name, name_len);

	if (!r && (!max || max > SFSHM_PERMITS_MAX))
		r = -EINVAL;
	if (r)
		return r;
	do {
		r = seek(&w, true, false);
		if (!r)
			r = semaphore_set_max(w.p, w.s, max);
	} while (r == MOVED);
	return r;
}

/*
 * During a resize, permits of the semaphore in the predecessor still count, and
 * that semaphore cannot be removed: -EBUSY.
 */
static int remove_once(struct lookup *w)
{
	int r = seek(w, false, true);

	if (r)
		return r;
	if (w->s->before || w->s->map != w->p->map)
		return -EBUSY;
	semaphore_reap(w->s);
	return semaphore_remove(w->p, w->s);
}

int sfshm_semaphore_remove(struct sfshm *handle, const void *name,
			   size_t name_len)
{
	struct lookup w = {
		.handle = handle,
		.name = name,
		.len = name_len,
	};
	bool removed = false;
	int r = check_name(name, name_len);

	if (r)
		return r;
	/*
	 * A resize may have made the semaphore in the successor before this
	 * call removed it here.
	 */
	do {
		r = remove_once(&w);
		removed |= !r;
	} while (r == MOVED || (!r && load_seq(&w.p->map->header->moved)));
	return r == -ENODATA && removed ? 0 : r;
}
