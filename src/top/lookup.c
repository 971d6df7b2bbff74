/* SPDX-License-Identifier: MIT */
#include "top/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top/call.h"

/* Caches the semaphore in the thread's peer, if there is memory for that. */
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
 * Makes the semaphore, or waits for the caller that is making it. Leaves the
 * predecessor's semaphore as it is: during a resize, threads that take a permit
 * check each permit in both segments. Returns 0, AGAIN, MOVED, or an error, of
 * which -EINPROGRESS says that the wait for the maker is parked.
 */
static int make(struct lookup *w, bool try, uint32_t max)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_KEEP | (try ? SFSHM_TRY : 0),
		.ttl_ms = SFSHM_FOREVER,
		.deadline_ns = w->wait ? w->wait->deadline : 0,
		.cancel = w->wait ? w->wait->cancel : NULL,
		/* No caller waits longer than this for a stopped maker. */
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
	if (w->wait && w->wait->how == ACQUIRE_PARKS) {
		c.flags |= CALL_PARKS;
		c.closing_seen = w->wait->closing_seen;
		c.park = w->wait->park;
		call_resume(&c);
	}
	r = flight_begin(&c, &f);
	if (r == SFSHM_LEADER)
		r = publish(&f, c.self, max);
	sfshm_result_clear(&result);
	return r > 0 || r == -EREMOTEIO ? AGAIN : r;
}

/* Looks in the segment's predecessor; sets is_before. 0 or an error. */
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
	 * `moved` is set in the predecessor before this thread looks at the
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

/* Looks in the segment itself; sets is_here. 0 or an error. */
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
	/*
	 * Each time make() ended as if the semaphore exists, but find_here()
	 * did not find it: the segment is damaged.
	 */
	peer_count(w->p, COUNT_corrupt);
	return -EBADMSG;
}

int lookup_slowly(struct lookup *w, bool may_make, bool try)
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
