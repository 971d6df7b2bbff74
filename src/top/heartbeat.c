/* SPDX-License-Identifier: MIT */
/*
 * Heartbeats. A heartbeat's thread has its own copy of the flight, and its own
 * reference to each mapping; the caller's struct names the heartbeat by a
 * number. A leader that ends without stopping its heartbeat therefore leaks
 * nothing: the thread finds that the flight has ended, and frees the copies and
 * the references.
 */
#include <sfshm/heartbeat.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "os/sys.h"
#include "sync/claim.h"
#include "top/call.h"
#include "top/heartbeat.h"

/* The contents of struct sfshm_heartbeat. */
struct beat_ref {
	uint64_t number; /* 0: none runs */
	uint64_t cookie; /* of the process that started it */
	struct flight *flight;
	uint64_t lost;
} overlay;
OVERLAY_FITS(struct beat_ref, struct sfshm_heartbeat);

static struct beat_ref *beat_ref_of(const struct sfshm_heartbeat *heartbeat)
{
	return (struct beat_ref *)(uintptr_t)heartbeat;
}

struct beat {
	struct flight flights[2]; /* copies: the flight, its claim */
	int count;
	uint32_t ms; /* each beat sets the lease's end this many ms ahead */
	uint64_t number;
	uint64_t extensions;
	uint32_t stop;    /* futex word */
	uint32_t lost;    /* 1: the flight was taken or has ended */
	bool joined;      /* a caller waits for the thread's end */
	pthread_t thread; /* guarded by `lock` */
	struct beat *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct beat *beats; /* the running ones; guarded by `lock` */
static uint64_t started;   /* guarded by `lock` */

void heartbeat_fork_lock(void)
{
	pthread_mutex_lock(&lock);
}

void heartbeat_fork_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void heartbeat_forget(void)
{
	while (beats) {
		struct beat *b = beats;

		beats = b->next;
		free(b);
	}
}

/* Called with the lock held. */
static struct beat *find(uint64_t number)
{
	struct beat *b = beats;

	while (b && b->number != number)
		b = b->next;
	return b;
}

static void unlink_beat(const struct beat *b)
{
	struct beat **at = &beats;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

static void let_go(struct beat *b)
{
	for (int i = 0; i < b->count; i++)
		mapping_put(b->flights[i].map);
	b->count = 0;
}

static bool extend_all(struct beat *b)
{
	for (int i = 0; i < b->count; i++)
		if (flight_extend(&b->flights[i], b->ms))
			return false;
	b->extensions++;
	return true;
}

static void nap(struct beat *b)
{
	uint64_t end = ns_after(sys.now(), b->ms < 3 ? 1 : b->ms / 3);
	struct timespec until = {
		.tv_sec = (time_t)(end / NS_PER_S),
		.tv_nsec = (long)(end % NS_PER_S),
	};

	sys.wait(&b->stop, 0, &until);
}

/* The thread's function. Frees the beat unless a caller joins the thread. */
static void *run(void *arg)
{
	struct beat *b = arg;

	prctl(PR_SET_NAME, "sfshm-heartbeat");
	while (!load_acquire(&b->stop)) {
		if (!extend_all(b)) {
			store_release(&b->lost, 1);
			break;
		}
		nap(b);
	}
	let_go(b);
	pthread_mutex_lock(&lock);
	if (!b->joined) {
		unlink_beat(b);
		pthread_detach(pthread_self());
		free(b);
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/*
 * Starts the thread, and stores the beat's number to *number. The thread may
 * have ended, and freed the beat, when this function returns.
 */
static int start_thread(struct beat *b, uint64_t *number)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* The new thread takes this lock before it frees the beat, so the beat
	   is in the list by then. */
	pthread_mutex_lock(&lock);
	r = pthread_create(&b->thread, NULL, run, b);
	if (!r) {
		*number = b->number = ++started;
		b->next = beats;
		beats = b;
	}
	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

/* Copies the flight, with a reference to its mapping. */
static int add(struct beat *b, const struct flight *f)
{
	if (!f || !f->map)
		return 0;
	if (!mapping_get(f->map))
		return -ESTALE;
	b->flights[b->count++] = *f;
	return 0;
}

static int start(struct beat_ref *ref, struct flight *f, uint32_t ms)
{
	struct beat *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->ms = ms;
	r = add(b, f);
	if (!r)
		r = add(b, claim_of(f));
	if (!r)
		r = start_thread(b, &ref->number);
	if (r) {
		let_go(b);
		free(b);
	}
	return r;
}

static int leads(const struct flight *f)
{
	if (!flight_open(f))
		return -ESTALE;
	if (f->cookie != process_cookie())
		return -ECHILD;
	if (f->alone)
		return 0;
	return flight_of_process(f) || peer_of(f->life) ||
			       peer_of_birth(f->life) ?
		       0 :
		       -EPERM;
}

/*
 * How many ms ahead each beat sets the lease's end: the policy's lease, or else
 * the time until the end that sfshm_extend() set. 0: there is no lease.
 */
static uint32_t reach_of(const struct flight *f)
{
	if (f->alone)
		return 0;
	if (f->lock_age_ms && f->lock_age_ms != SFSHM_FOREVER)
		return f->lock_age_ms;
	return flight_lease_left(f);
}

int sfshm_heartbeat_start(struct sfshm_heartbeat *heartbeat,
			  struct sfshm_flight *flight)
{
	struct beat_ref *ref = beat_ref_of(heartbeat);
	struct flight *f = flight_of(flight);
	uint32_t ms;
	int state, r;

	if (!ref || !f)
		return -EINVAL;
	*ref = (struct beat_ref){ .flight = f };
	r = leads(f);
	if (r)
		return r;
	ref->cookie = f->cookie;
	ms = reach_of(f);
	if (!ms)
		return 0;
	state = uncancelled_begin();
	r = start(ref, f, ms);
	uncancelled_end(state);
	if (r)
		*ref = (struct beat_ref){ 0 };
	return r;
}

/* Ends the thread. Returns how often it has extended the lease. */
static uint64_t end_thread(uint64_t number)
{
	uint64_t n = 0;
	struct beat *b;

	pthread_mutex_lock(&lock);
	b = find(number);
	if (b) {
		b->joined = true;
		unlink_beat(b);
		store_release(&b->stop, 1);
		sys.wake(&b->stop, 1);
	}
	pthread_mutex_unlock(&lock);
	if (!b)
		return 0;
	pthread_join(b->thread, NULL);
	n = b->extensions;
	free(b);
	return n;
}

/* Whether a call that ends the flight returned -ESTALE, or would now. */
static bool was_taken(const struct flight *f)
{
	struct mapping *held = NULL;
	bool taken;

	if (!flight_open(f))
		return f->outcome == -ESTALE;
	if (f->alone)
		return false;
	if (!peer_attached(f->map, f->serial)) {
		if (flight_of_process(f))
			held = mapping_get_serial(f->serial);
		if (!held)
			return true;
	}
	taken = !flight_stands(f);
	if (held)
		mapping_put(held);
	return taken;
}

int sfshm_heartbeat_stop(struct sfshm_heartbeat *heartbeat)
{
	struct beat_ref *ref = beat_ref_of(heartbeat);
	struct peer *p;
	uint64_t n;
	int state;

	if (!ref)
		return -EINVAL;
	if (ref->cookie && ref->cookie != process_cookie())
		return -ECHILD;
	if (ref->number) {
		state = uncancelled_begin();
		n = end_thread(ref->number);
		uncancelled_end(state);
		ref->number = 0;
		p = ref->flight->map ? peer_attached(ref->flight->map,
						     ref->flight->serial) :
				       NULL;
		while (p && n--)
			peer_count(p, COUNT_extensions);
	}
	if (ref->flight)
		ref->lost = was_taken(ref->flight);
	ref->flight = NULL;
	return ref->lost ? -ESTALE : 0;
}

int sfshm_heartbeat_lost(const struct sfshm_heartbeat *heartbeat)
{
	const struct beat_ref *ref = beat_ref_of(heartbeat);
	const struct beat *b;
	int r;

	if (!ref)
		return -EINVAL;
	if (ref->cookie && ref->cookie != process_cookie())
		return -ECHILD;
	if (!ref->number)
		return (int)ref->lost;
	pthread_mutex_lock(&lock);
	b = find(ref->number);
	r = b ? (int)load_acquire(&b->lost) : 1;
	pthread_mutex_unlock(&lock);
	return r;
}
