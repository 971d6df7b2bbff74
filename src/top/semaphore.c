/* SPDX-License-Identifier: MIT */
/* The public calls on semaphores. */
#include <sfshm/semaphore.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/lock.h>

#include "os/overlay.h"
#include "sync/semaphore.h"
#include "top/call.h"
#include "top/rank.h"

#define ALL_FLAGS                                             \
	(SFSHM_SEMAPHORE_TRY | SFSHM_SEMAPHORE_CANCEL_FIRST | \
	 SFSHM_SEMAPHORE_ABORT)

/* The contents of struct sfshm_permit. */
struct permit {
	struct mapping *map; /* NULL: nothing is held */
	uint64_t life;       /* identifies the holder's attached thread */
	uint64_t cookie;
	uint32_t *word;
	uint32_t slot;
	uint32_t rank;
} overlay;
OVERLAY_FITS(struct permit, struct sfshm_permit);

static inline struct permit *permit_of(const struct sfshm_permit *permit)
{
	return (struct permit *)(uintptr_t)permit;
}

static_assert(SFSHM_PERMITS_MAX <= SHM_PERMITS, "no more words than there are");

/* The semaphore that a call is about, and where it was found. */
struct lookup {
	struct sfshm *handle;
	const void *name;
	size_t len;
	uint32_t max;                                 /* if the call makes it */
	const struct sfshm_semaphore_options *ranked; /* NULL: no rank */
	struct acquire *wait;
	struct peer *p;
	struct semaphore *s; /* the one to use */
	uint32_t *hint;      /* the word to look at first */
	/* found anew: in the segment, in its predecessor */
	struct semaphore here, before;
	bool is_here, is_before;
	uint32_t first;
};

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

/* Keeps a semaphore with the thread's peer, if there is memory for it. */
static void remember(struct lookup *w)
{
	struct semaphore_cache *c = w->p->semaphores;
	struct semaphore_known *k;

	if (w->len > SEMAPHORE_NAME)
		return;
	if (!c)
		c = w->p->semaphores = calloc(1, sizeof(*c));
	if (!c)
		return;
	k = &c->known[c->next++ % SEMAPHORE_CACHED];
	k->s = w->here;
	k->hint = w->first;
	k->len = (uint32_t)w->len;
	memcpy(k->name, w->name, w->len);
	w->s = &k->s;
	w->hint = &k->hint;
}

static uint32_t default_max(void)
{
	long n = 2 * sysconf(_SC_NPROCESSORS_ONLN) + 1;

	return n < 1                 ? 1 :
	       n > SFSHM_PERMITS_MAX ? SFSHM_PERMITS_MAX :
				       (uint32_t)n;
}

static int publish(struct flight *f, struct peer *p, uint32_t max)
{
	struct shm_semaphore head;
	struct iovec iov[2];
	int r;

	semaphore_fresh(&head, max, iov);
	r = flight_publish(f, p, iov, 2);
	if (r && r != -ESTALE)
		flight_release(f, p);
	return r == -ESTALE ? AGAIN : r;
}

/*
 * Makes the semaphore, or waits for the caller that is making it. The
 * predecessor's semaphore stays: takers look at its permits one by one. Returns
 * 0, AGAIN, MOVED or an error.
 */
static int make(struct lookup *w, bool try, uint32_t max)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_KEEP | (try ? SFSHM_TRY : 0),
		.ttl_ms = SFSHM_FOREVER,
		.deadline_ns = w->wait ? w->wait->deadline : 0,
		.cancel = w->wait ? w->wait->cancel : NULL,
		/* A lease: other callers need not wait for a stopped maker. */
		.lock_age_ms = 1000,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct flight f;
	struct call c;
	int r = call_start(&c, w->handle, SHM_SEMAPHORE, w->name, w->len,
			   &policy, &result);

	if (r)
		return r;
	c.resize.consulted = true;
	r = flight_begin(&c, &f);
	if (r == SFSHM_LEADER)
		r = publish(&f, c.self, max);
	sfshm_result_clear(&result);
	return r > 0 || r == -EREMOTEIO ? AGAIN : r;
}

/* Looks for the semaphore in the segment's predecessor. 0 or an error. */
static int find_before(struct lookup *w)
{
	struct mapping *old = mapping_predecessor(w->p->map);
	struct peer *there;
	struct key k;
	int r;

	if (!old)
		return 0;
	/*
	 * ORDER-M1 pairs ORDER-M2
	 * `moved` was set in the predecessor before this thread looks at the
	 * permits there.
	 */
	fence_seq();
	w->p->inside++;
	r = peer_attach(old, &there);
	w->p->inside--;
	if (!r) {
		k = key_make(old, SHM_SEMAPHORE, w->name, w->len);
		r = semaphore_find(there, &k, &w->before);
	}
	/* An attached thread has a reference of its own. */
	mapping_put(old);
	w->is_before = r == 1;
	return r < 0 ? r : 0;
}

/* Looks for the semaphore in the segment itself. 0 or an error. */
static int find_here(struct lookup *w)
{
	struct key k = key_make(w->p->map, SHM_SEMAPHORE, w->name, w->len);
	int r = semaphore_find(w->p, &k, &w->here);

	w->is_here = r == 1;
	return r < 0 ? r : 0;
}

/*
 * Finds the semaphore in the segment itself, or makes it there, with the
 * maximum that it had in the predecessor.
 */
static int find_or_make(struct lookup *w, bool try)
{
	for (uint32_t tries = 0; tries < LOOK_MOST_TRIES; tries++) {
		int r = find_here(w);

		if (r || w->is_here)
			return r;
		if (w->wait && !try)
			acquire_begin_to_wait(w->wait);
		r = make(w, try,
			 w->is_before ? semaphore_max(&w->before) :
			 w->max       ? w->max :
					default_max());
		if (r && r != AGAIN)
			return r;
	}
	/* Damaged bytes say both: the semaphore is made, and it is not. */
	peer_count(w->p, COUNT_corrupt);
	return -EBADMSG;
}

static int seek_slowly(struct lookup *w, bool may_make, bool try)
{
	uint32_t max;
	int r;

	w->is_before = false;
	r = find_before(w);
	if (!r)
		r = may_make ? find_or_make(w, try) : find_here(w);
	if (r)
		return r;
	if (!w->is_here) {
		w->s = &w->before;
		return w->is_before            ? 0 :
		       handle_moved(w->p->map) ? MOVED :
						 -ENODATA;
	}
	w->s = &w->here;
	w->hint = &w->first;
	max = semaphore_max(w->s);
	w->first = max ? (w->p->id - 1) % max : 0;
	if (w->is_before)
		w->here.before = &w->before;
	else if (!load_relaxed(&w->p->map->predecessor))
		remember(w);
	return 0;
}

/*
 * Finds the semaphore, in the successor if the segment has moved. Returns 0,
 * MOVED or an error.
 */
static int seek(struct lookup *w, bool may_make, bool try)
{
	struct semaphore_known *k;
	int r = handle_enter(w->handle, &w->p);

	if (likely(!r))
		handle_look_if_due(w->p->map);
	if (!r && unlikely(handle_moved(w->p->map)))
		r = handle_follow(w->handle, &w->p);
	if (unlikely(r))
		return r;
	k = recall(w);
	if (unlikely(!k || load_relaxed(&w->p->map->predecessor)))
		return seek_slowly(w, may_make, try);
	w->s = &k->s;
	w->hint = &k->hint;
	return 0;
}

static int check_options(const struct sfshm_semaphore_options *o)
{
	if (!o)
		return 0;
	if (o->max > SFSHM_PERMITS_MAX || o->rank > SFSHM_LOCK_RANK_MAX ||
	    o->flags & ~(uint32_t)ALL_FLAGS)
		return -EINVAL;
	if (o->why && o->why_size)
		o->why[0] = '\0';
	return 0;
}

static int check_rank(const struct lookup *w)
{
	const struct sfshm_semaphore_options *o = w->ranked;
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

static void fill(struct permit *t, const struct lookup *w, uint32_t i)
{
	t->map = w->s->map;
	t->life = w->p->life;
	t->word = semaphore_word(w->s, i);
	t->cookie = w->p->cookie;
	t->slot = w->s->slot;
	t->rank = 0;
	if (likely(!w->ranked))
		return;
	t->rank = w->ranked->rank;
	rank_note(w->p, t->rank, t->slot);
}

static int acquire_once(struct lookup *w, struct acquire *a)
{
	int r = seek(w, true, a->try);

	if (!r && unlikely(w->ranked))
		r = check_rank(w);
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

int sfshm_acquire(struct sfshm *handle, const void *name, size_t name_len,
		  const struct sfshm_semaphore_options *options,
		  struct sfshm_permit *permit)
{
	struct permit *t = permit_of(permit);
	struct sfshm_semaphore_options own;
	struct acquire a;
	struct lookup w;
	int r;

	if (unlikely(!permit))
		return -EINVAL;
	t->map = NULL;
	r = check_name(name, name_len);
	if (likely(!r))
		r = sized_adopt(&options, &own);
	if (likely(!r))
		r = check_options(options);
	if (unlikely(r))
		return r;
	w.handle = handle;
	w.name = name;
	w.len = name_len;
	w.max = options ? options->max : 0;
	w.ranked = options && options->rank ? options : NULL;
	w.wait = &a;
	/* Read this before the handle's mapping, so that no close is missed. */
	a.closing = handle ? &handle->closing : NULL;
	a.closing_seen = handle ? load_acquire(a.closing) : 0;
	a.cancel = options ? options->cancel : NULL;
	a.deadline = options ? options->deadline_ns : 0;
	a.timeout_ms = options ? options->wait_timeout_ms : 0;
	a.try = options && options->flags & SFSHM_SEMAPHORE_TRY;
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

int sfshm_permit_release(struct sfshm_permit *permit)
{
	struct permit *t = permit_of(permit);
	struct peer *p;
	int r;

	if (!t)
		return -EINVAL;
	if (!t->map)
		return 0;
	p = peer_of(t->life);
	if (unlikely(!p))
		return t->cookie != process_cookie() ? -ECHILD : -EPERM;
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
	peer_reap_all(w->s->map);
	info->max = semaphore_max(w->s);
	info->waiters = peer_waiters(w->s->map, w->s->slot);
	if (w->s->before) {
		peer_reap_all(w->before.map);
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
