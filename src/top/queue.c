/* SPDX-License-Identifier: MIT */
/*
 * The public calls on queues of polled waits. A wait is named by a number, so
 * that a late call finds no freed memory. The number's low bits are an index
 * into the queue's table; the others count the waits that had that place.
 */
#include <sfshm/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "sync/detached.h"
#include "top/call.h"
#include "top/fork.h"
#include "top/polling.h"

#define INDEX_BITS 24
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

/* A wait of a queue. */
struct entry {
	struct polled polled; /* the first member: see entry_of() */
	uint64_t number;
	void *data;
	struct sfshm *handle;
	struct sfshm_policy policy;
	uint64_t deadline; /* as in struct call */
	bool waited;
	size_t key_len;
	uint8_t key[];
};

/* A place in the table. */
struct place {
	struct entry *entry; /* NULL: the place is free */
	uint64_t next;       /* the number of its next wait */
	uint32_t free;       /* index + 1 of the next free place */
};

struct sfshm_queue {
	uint64_t cookie; /* of the process that opened it */
	struct polled_ready ready;
	struct place *places;
	uint32_t used, room;
	uint32_t free; /* index + 1 of the first free place; or 0 */
};

static struct entry *entry_of(struct polled *w)
{
	return (struct entry *)w;
}

static int check(const struct sfshm_queue *q)
{
	if (!q)
		return -EINVAL;
	return q->cookie == process_cookie() ? 0 : -ECHILD;
}

int sfshm_queue_open(struct sfshm_queue **queue)
{
	struct sfshm_queue *q;
	int r;

	if (!queue)
		return -EINVAL;
	*queue = NULL;
	if (!process_cookie() || fork_prepare())
		return -ENOMEM;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->cookie = process_cookie();
	q->ready.end = &q->ready.first;
	q->ready.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->ready.fd < 0) {
		r = -errno;
		free(q);
		return r;
	}
	polling_lock();
	polling_queues++;
	polling_unlock();
	*queue = q;
	return 0;
}

int sfshm_queue_fd(const struct sfshm_queue *queue)
{
	int r = check(queue);

	return r ? r : queue->ready.fd;
}

int sfshm_queue_next(struct sfshm_queue *queue, struct sfshm_wait *wait)
{
	int r = wait ? check(queue) : -EINVAL;
	struct polled *w;
	int state;

	if (r)
		return r;
	state = uncancelled_begin();
	polling_lock();
	w = lot_next(&queue->ready);
	if (w) {
		wait->number = entry_of(w)->number;
		wait->data = entry_of(w)->data;
	}
	polling_unlock();
	uncancelled_end(state);
	return w != NULL;
}

/* Called with the lock held, as are the next four functions. */
static int more_places(struct sfshm_queue *q)
{
	uint32_t room = q->room ? 2 * q->room : 64;
	struct place *places;

	if (room > INDEX_MASK)
		return -ENOMEM;
	places = realloc(q->places, room * sizeof(*places));
	if (!places)
		return -ENOMEM;
	q->places = places;
	q->room = room;
	return 0;
}

static int give_place(struct sfshm_queue *q, struct entry *e)
{
	uint32_t i = q->free - 1;

	if (q->free) {
		q->free = q->places[i].free;
	} else {
		if (q->used == q->room && more_places(q))
			return -ENOMEM;
		i = q->used++;
		q->places[i].next = UINT64_C(1) << INDEX_BITS | i;
	}
	e->number = q->places[i].next;
	q->places[i].next += UINT64_C(1) << INDEX_BITS;
	q->places[i].entry = e;
	return 0;
}

static void take_place(struct sfshm_queue *q, const struct entry *e)
{
	uint32_t i = (uint32_t)(e->number & INDEX_MASK);

	q->places[i].entry = NULL;
	q->places[i].free = q->free;
	q->free = i + 1;
}

/* Finds a wait that no thread is finishing. */
static int find(const struct sfshm_queue *q, const struct sfshm_wait *wait,
		struct entry **out)
{
	uint64_t i = wait->number & INDEX_MASK;
	struct entry *e = i < q->used ? q->places[i].entry : NULL;

	if (!e || e->number != wait->number)
		return -ESTALE;
	if (e->polled.state == POLLED_RUNNING)
		return -EBUSY;
	*out = e;
	return 0;
}

/* Does find(), and makes the wait RUNNING. */
static int take(struct sfshm_queue *q, const struct sfshm_wait *wait,
		struct entry **out)
{
	int r = find(q, wait, out);

	if (!r)
		lot_take(&(*out)->polled);
	return r;
}

int sfshm_queue_close(struct sfshm_queue *queue)
{
	bool mine = check(queue) == 0, last;
	int state;

	if (!queue)
		return -EINVAL;
	state = uncancelled_begin();
	polling_lock();
	for (uint32_t i = 0; i < queue->used; i++) {
		struct entry *e = queue->places[i].entry;

		if (e && mine && e->polled.state != POLLED_RUNNING)
			lot_take(&e->polled);
		free(e);
	}
	last = !(polling_queues -= mine);
	polling_unlock();
	polling_await_tellers();
	if (last)
		polling_stop();
	process_close(queue->ready.fd);
	free(queue->places);
	free(queue);
	uncancelled_end(state);
	return 0;
}

/* As call_begin(), but goes on with what the wait has kept. */
static int make_call(struct entry *e, struct flight *f,
		     struct sfshm_result *result)
{
	struct call c;
	int r;

	if (f) {
		f->map = NULL;
		f->alone = false;
		f->has_claim = false;
	}
	if (load_acquire(e->polled.closing) != e->polled.closing_seen)
		return -ESHUTDOWN;
	do {
		r = call_start(&c, e->handle, SHM_VALUE, e->key, e->key_len,
			       &e->policy, result);
		if (r)
			return r;
		c.closing_seen = e->polled.closing_seen;
		c.flags |= CALL_PARKS;
		c.park = &e->polled.park;
		c.wait.waited = e->waited;
		c.wait.deadline = e->deadline;
		call_resume(&c);
		r = flight_begin(&c, f);
		e->waited = c.wait.waited;
		e->deadline = c.wait.deadline;
	} while (r == MOVED);
	if (r == SFSHM_LEADER && e->policy.flags & SFSHM_DETACHED)
		return call_detach(e->handle, e->policy.task, f);
	return r;
}

/*
 * Looks whether the task would wait for itself, after the wait was parked at
 * `at`. The wait may be over by now. Returns -EINPROGRESS; or -EDEADLK with the
 * wait, RUNNING, in *e.
 */
static int look_for_circle(struct sfshm_queue *q, const struct sfshm_wait *wait,
			   uint64_t task, const struct park *at,
			   struct entry **e)
{
	int r = -EINPROGRESS;

	if (!task || !detached_circle(at->map, task, at->slot))
		return r;
	polling_lock();
	/* A thread that is finishing the wait looks for a circle itself. */
	if (!take(q, wait, e))
		r = -EDEADLK;
	polling_unlock();
	return r;
}

/*
 * Makes the wait's call. Parks the wait if the call has to wait, else frees it.
 */
static int go_on(struct sfshm_queue *q, struct entry *e, struct flight *f,
		 struct sfshm_result *result, struct sfshm_wait *wait)
{
	uint64_t task = e->policy.task;
	int r = make_call(e, f, result);
	struct park at = e->polled.park;

	wait->number = e->number;
	polling_lock();
	if (r == -EINPROGRESS)
		r = polling_park(&e->polled);
	polling_unlock();
	if (r == -EINPROGRESS)
		r = look_for_circle(q, wait, task, &at, &e);
	if (r == -EINPROGRESS)
		return r;
	polling_lock();
	take_place(q, e);
	polling_unlock();
	free(e);
	wait->number = 0;
	return r;
}

static int make_entry(struct sfshm_queue *q, struct sfshm *h, const void *key,
		      size_t len, const struct sfshm_policy *policy,
		      struct entry **out)
{
	struct sfshm_policy own = SFSHM_POLICY_INIT;
	struct entry *e;
	int r = sized_adopt(&policy, &own);

	if (r)
		return r;
	if (!h)
		return -EBADF;
	if (!key || !len)
		return -EINVAL;
	if (len > SFSHM_KEY_MAX)
		return -ENAMETOOLONG;
	if (policy && policy->claim_key)
		return -EOPNOTSUPP;
	e = calloc(1, sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->handle = h;
	e->policy = policy ? *policy : own;
	e->key_len = len;
	memcpy(e->key, key, len);
	e->polled.ready = &q->ready;
	e->polled.cancel = e->policy.cancel;
	e->polled.task = e->policy.task;
	e->polled.closing = &h->closing;
	e->polled.closing_seen = load_acquire(&h->closing);
	*out = e;
	return 0;
}

int sfshm_begin_async(struct sfshm_queue *queue, struct sfshm *handle,
		      const void *key, size_t key_len,
		      const struct sfshm_policy *policy,
		      struct sfshm_flight *flight, struct sfshm_result *result,
		      struct sfshm_wait *wait)
{
	struct entry *e = NULL;
	int r = -EINVAL, state;

	if (!wait)
		return r;
	wait->number = 0;
	r = check(queue);
	if (r)
		return r;
	if (!flight && !(policy && policy->flags & SFSHM_FOLLOW))
		return -EINVAL;
	r = make_entry(queue, handle, key, key_len, policy, &e);
	if (r)
		return r;
	e->data = wait->data;
	state = uncancelled_begin();
	polling_lock();
	r = give_place(queue, e);
	polling_unlock();
	if (r)
		free(e);
	else
		r = go_on(queue, e, flight ? flight_of(flight) : NULL, result,
			  wait);
	uncancelled_end(state);
	return r;
}

int sfshm_wait_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		      struct sfshm_flight *flight, struct sfshm_result *result)
{
	int r = wait ? check(queue) : -EINVAL, state;
	struct sfshm_wait own;
	struct entry *e;

	if (r)
		return r;
	own = *wait;
	if (!sized_result_is_valid(result))
		return -EINVAL;
	state = uncancelled_begin();
	polling_lock();
	r = find(queue, wait, &e);
	if (!r && !flight && !(e->policy.flags & SFSHM_FOLLOW))
		r = -EINVAL;
	if (!r)
		lot_take(&e->polled);
	polling_unlock();
	if (!r)
		r = go_on(queue, e, flight ? flight_of(flight) : NULL, result,
			  &own);
	uncancelled_end(state);
	return r;
}

int sfshm_wait_cancel(struct sfshm_queue *queue, const struct sfshm_wait *wait)
{
	int r = wait ? check(queue) : -EINVAL, state;
	struct entry *e;

	if (r)
		return r;
	state = uncancelled_begin();
	polling_lock();
	r = take(queue, wait, &e);
	if (!r) {
		take_place(queue, e);
		free(e);
	}
	polling_unlock();
	uncancelled_end(state);
	return r;
}
