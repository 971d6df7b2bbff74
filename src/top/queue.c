/* SPDX-License-Identifier: MIT */
/*
 * Queues of polled waits, and the public calls for waits of any kind. A wait is
 * named by a number, so that a late call finds no freed memory. The number's
 * low bits are an index into the queue's table; the others count the waits that
 * had that place.
 */
#include "top/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "sync/detached.h"
#include "top/fork.h"
#include "top/loop-socket.h"
#include "top/polling.h"

#define INDEX_BITS 24
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

/* A place in the table. */
struct place {
	struct entry *entry; /* NULL: the place is free */
	uint64_t next;       /* the number of its next wait */
	uint32_t free;       /* index + 1 of the next free place */
};

struct sfshm_queue {
	uint64_t cookie; /* of the process that opened it */
	struct polled_ready ready;
	pthread_mutex_t serving; /* guards `socket` */
	struct loop_socket socket;
	struct place *places;
	uint32_t used, room;
	uint32_t free; /* index + 1 of the first free place; or 0 */
};

static struct entry *entry_of(struct polled *w)
{
	return (struct entry *)w;
}

int queue_check(const struct sfshm_queue *q)
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
	q->ready.loop = -1;
	pthread_mutex_init(&q->serving, NULL);
	q->socket = (struct loop_socket)LOOP_SOCKET_INIT;
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
	int r = queue_check(queue);

	return r ? r : queue->ready.fd;
}

int sfshm_queue_listen(struct sfshm_queue *queue, const char *path)
{
	int r = path ? queue_check(queue) : -EINVAL, state;

	if (r)
		return r;
	state = uncancelled_begin();
	pthread_mutex_lock(&queue->serving);
	r = loop_socket_listen(&queue->socket, path);
	pthread_mutex_unlock(&queue->serving);
	uncancelled_end(state);
	return r;
}

int sfshm_queue_accept(struct sfshm_queue *queue)
{
	int r = queue_check(queue), fd, before = -1, state;

	if (r)
		return r;
	state = uncancelled_begin();
	pthread_mutex_lock(&queue->serving);
	fd = loop_socket_accept(&queue->socket);
	if (fd >= 0) {
		polling_lock();
		before = lot_set_loop(&queue->ready, fd);
		polling_unlock();
	}
	if (before >= 0) {
		polling_await_tellers();
		process_close(before);
	}
	pthread_mutex_unlock(&queue->serving);
	uncancelled_end(state);
	return fd < 0 ? fd : 0;
}

int sfshm_queue_next(struct sfshm_queue *queue, struct sfshm_wait *wait)
{
	int r = wait ? queue_check(queue) : -EINVAL;
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
	bool mine = queue_check(queue) == 0, last;
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
	if (queue->ready.loop >= 0)
		process_close(queue->ready.loop);
	loop_socket_close(&queue->socket, mine);
	free(queue->places);
	free(queue);
	uncancelled_end(state);
	return 0;
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
static int go_on(struct sfshm_queue *q, struct entry *e, void *out,
		 struct sfshm_wait *wait)
{
	uint64_t task = e->polled.task;
	int r = e->kind->call(e, out);
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

int entry_new(struct sfshm *h, const void *key, size_t len,
	      const struct wait_kind *kind, struct entry **out)
{
	struct entry *e;

	if (!h)
		return -EBADF;
	e = calloc(1, sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->kind = kind;
	e->handle = h;
	e->key_len = len;
	memcpy(e->key, key, len);
	e->polled.closing = &h->closing;
	e->polled.closing_seen = load_acquire(&h->closing);
	*out = e;
	return 0;
}

int queue_begin(struct sfshm_queue *queue, struct entry *e, void *out,
		struct sfshm_wait *wait)
{
	int r, state;

	e->data = wait->data;
	e->polled.ready = &queue->ready;
	state = uncancelled_begin();
	polling_lock();
	r = give_place(queue, e);
	polling_unlock();
	if (r)
		free(e);
	else
		r = go_on(queue, e, out, wait);
	uncancelled_end(state);
	return r;
}

int queue_finish(struct sfshm_queue *queue, const struct sfshm_wait *wait,
		 const struct wait_kind *kind, void *out)
{
	int r = wait ? queue_check(queue) : -EINVAL, state;
	struct sfshm_wait own;
	struct entry *e;

	if (r)
		return r;
	own = *wait;
	state = uncancelled_begin();
	polling_lock();
	r = find(queue, wait, &e);
	if (!r && (e->kind != kind || !kind->suits(e, out)))
		r = -EINVAL;
	if (!r)
		lot_take(&e->polled);
	polling_unlock();
	if (!r)
		r = go_on(queue, e, out, &own);
	uncancelled_end(state);
	return r;
}

int sfshm_wait_cancel(struct sfshm_queue *queue, const struct sfshm_wait *wait)
{
	int r = wait ? queue_check(queue) : -EINVAL, state;
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
