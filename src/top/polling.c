/* SPDX-License-Identifier: MIT */
#include "top/polling.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/removal.h"
#include "peer/wait.h"

#define SLICE_NS (100 * NS_PER_MS)
#define POLL_NS (4 * NS_PER_MS) /* without futex_waitv(2) */
#define TICK_NS NS_PER_MS       /* deadlines are looked at no more often */
#define IDLE_NS NS_PER_S
#define STACK_SIZE (64u << 10)
#define TOLD_MOST 16 /* queues that the watcher tells without the lock */

uint32_t polling_queues;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER; /* LOT-2 */

/*
 * The watcher. `turn` names the watcher that is to go on. One that has ended
 * by itself stays `joinable`.
 */
static bool runs, joinable, asleep;
static uint64_t turn, sleeps_until;
static pthread_t thread;
static uint32_t kick; /* futex word: the watcher is to look at its lists */
static bool kicked;   /* the thread that has the lock has changed `kick` */
static uint32_t cancelled_seen;

void polling_lock(void)
{
	pthread_mutex_lock(&lock);
}

/* Wakes the watcher last, so that the watcher finds the lock free. */
void polling_unlock(void)
{
	bool wakes = kicked;

	kicked = false;
	lot_tell();
	pthread_mutex_unlock(&lock);
	if (wakes)
		polled_wake(&kick);
}

void polling_await_tellers(void)
{
	pthread_mutex_lock(&telling);
	pthread_mutex_unlock(&telling);
}

void polling_fork_lock(void)
{
	polling_lock();
	pthread_mutex_lock(&telling);
}

void polling_fork_unlock(void)
{
	pthread_mutex_unlock(&telling);
	polling_unlock();
}

/* WAIT-4, POLLED-3, POLLING-4: looks at all waits, and asks the kernel. */
static void end_slice(uint64_t now)
{
	for (uint32_t i = 0; i < lot.owner_count; i++) {
		enum life life =
			life_examine(lot.owner[i].map, lot.owner[i].index);

		if (life != LIFE_ALIVE)
			lot_doubt(&lot.owner[i], life == LIFE_DEAD);
	}
	lot_examine_holders();
	for (struct watched *a = lot.all; a; a = a->next) {
		removal_look_if_due(a->map);
		a->recent = 0;
	}
	lot.first_bell = (lot.first_bell + 1) % SHM_BELLS;
	lot_scan(now);
	lot.slice = now + SLICE_NS;
}

/* WAIT-1. True: a leader's word has changed. */
static bool wake_others(void)
{
	bool any = false;

	for (uint32_t i = 0; i < lot.owner_count; i++) {
		if (load_acquire(lot.owner[i].word) == lot.owner[i].seen)
			continue;
		sys.wake(lot.owner[i].word, INT32_MAX);
		any = true;
	}
	return any;
}

/* Finds out for which waits something has changed. */
static void hear(void)
{
	uint64_t now = sys.now();
	/*
	 * ORDER-Q4 pairs ORDER-Q3
	 * The watcher reads the count before it reads the tokens.
	 */
	uint32_t cancelled = load_acquire(&polled_cancelled);
	bool died = wake_others();

	if (now >= lot.slice) {
		end_slice(now);
	} else if (died || now >= lot.due || cancelled != cancelled_seen) {
		lot_scan(now);
		if (lot.due < now + TICK_NS)
			lot.due = now + TICK_NS;
	}
	cancelled_seen = cancelled;
	for (struct watched *a = lot.all; a; a = a->next) {
		for (uint32_t b = 0; b < SHM_BELLS; b++) {
			uint32_t seen = a->seen[b];

			if (!a->at[b] && !(a->recent >> b & 1))
				continue;
			lot_read_bell(a, b);
			if (a->seen[b] != seen)
				lot_scan_bell(a, b, now);
		}
	}
}

/*
 * Lists the words to sleep on. Returns how many; 0: not all bells have room, or
 * there is no futex_waitv(2).
 */
static unsigned int list_words(struct futex_waitv *words, uint32_t kick_seen)
{
	struct futex_waitv *v = words, *end = words + WAIT_MOST_WORDS;

	lot_add_word(&v, &kick, kick_seen, FUTEX_PRIVATE_FLAG);
	lot_add_word(&v, &polled_cancelled, cancelled_seen, FUTEX_PRIVATE_FLAG);
	if (!lot_add_bells(&v, end) || !sys_has_waitv())
		return 0;
	for (uint32_t i = 0; i < lot.owner_count && v < end; i++)
		lot_add_word(&v, lot.owner[i].word, lot.owner[i].seen, 0);
	lot_add_recent(&v, end);
	return (unsigned int)(v - words);
}

/* After an error such as ENOMEM, pauses to keep the watcher from a spin. */
static void fail(int error)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };

	if (error == ENOSYS || error == EPERM)
		sys_force_waitv(0);
	else if (error != EAGAIN && error != ETIMEDOUT && error != EINTR)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

/* Lets go of the lock and tells the queues: LOT-2. */
static void tell_unlocked(void)
{
	struct lot_debt debts[TOLD_MOST];
	uint32_t n = lot_owed(debts, TOLD_MOST);

	if (n)
		pthread_mutex_lock(&telling);
	polling_unlock();
	for (uint32_t i = 0; i < n; i++)
		lot_write(&debts[i]);
	if (n)
		pthread_mutex_unlock(&telling);
}

/* Called with the lock held; sleeps without it. */
static void nap(uintptr_t mine)
{
	struct futex_waitv words[WAIT_MOST_WORDS];
	uint32_t kick_seen = load_acquire(&kick);
	uint64_t end = lot.slice < lot.due ? lot.slice : lot.due;
	unsigned int count = list_words(words, kick_seen);
	struct timespec until;

	if (!lot.parked && lot_has_recent())
		end = lot.slice;
	else if (!lot.parked)
		end = lot.all ? sys.now() + IDLE_NS : lot.emptied + IDLE_NS;
	else if (!count && end > sys.now() + POLL_NS)
		end = sys.now() + POLL_NS;
	until.tv_sec = (time_t)(end / NS_PER_S);
	until.tv_nsec = (long)(end % NS_PER_S);
	asleep = true;
	sleeps_until = end;
	tell_unlocked();
	if (!count)
		sys.wait(&kick, kick_seen, &until);
	else if (sys.waitv(words, count, &until) < 0)
		fail(errno);
	polling_lock();
	/* After polling_stop() another watcher may be asleep by now. */
	if ((uintptr_t)turn == mine)
		asleep = false;
}

/* Takes the leaders of a mapping from the list. */
static void forget_owners(const struct mapping *map)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < lot.owner_count; i++)
		if (lot.owner[i].map != map)
			lot.owner[n++] = lot.owner[i];
	lot.owner_count = n;
}

/* Drops the mappings without waits. Lets go of the lock to do so. */
static void drop_mappings(void)
{
	struct watched **at = &lot.all, *dropped = NULL, *a;

	while ((a = *at)) {
		if (a->count) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		a->next = dropped;
		dropped = a;
		forget_owners(a->map);
	}
	if (!dropped)
		return;
	polling_unlock();
	while ((a = dropped)) {
		dropped = a->next;
		mapping_put(a->map);
		free(a);
	}
	polling_lock();
}

/* POLLING-1: the watcher attaches to no segment. */
static void *run(void *arg)
{
	uintptr_t mine = (uintptr_t)arg;
	bool idle = false;

	prctl(PR_SET_NAME, "sfshm-waits");
	polling_lock();
	while ((uintptr_t)turn == mine && !idle) {
		uint64_t last = lot.slice;

		hear();
		if (!lot.parked || lot.slice != last)
			drop_mappings();
		idle = !lot.all && sys.now() >= lot.emptied + IDLE_NS;
		if ((uintptr_t)turn == mine && !idle)
			nap(mine);
	}
	if ((uintptr_t)turn == mine)
		runs = false;
	polling_unlock();
	return NULL;
}

/* Starts the watcher, with a small stack unless the program's thread-local
   variables need a larger one. */
static int create(void)
{
	pthread_attr_t attr;
	sigset_t every, old;
	int r = pthread_attr_init(&attr);

	if (r)
		return r;
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &old);
	r = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (!r)
		r = pthread_create(&thread, &attr, run,
				   (void *)(uintptr_t)turn);
	if (r == EINVAL)
		r = pthread_create(&thread, NULL, run, (void *)(uintptr_t)turn);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

/* POLLING-5 */
static int start(void)
{
	const char *none = secure_getenv("SFSHM_NO_THREADS");

	if (runs)
		return 0;
	if (joinable)
		pthread_join(thread, NULL);
	joinable = false;
	turn++;
	asleep = false;
	lot.emptied = sys.now();
	if ((none && *none) || create())
		return -EOPNOTSUPP;
	runs = joinable = true;
	return 0;
}

static void kick_watcher(void)
{
	fetch_add_acq_rel(&kick, 1);
	kicked = true;
}

static struct watched *watch(struct mapping *map)
{
	struct watched *a = lot.all;

	while (a && a->map != map)
		a = a->next;
	if (a)
		return a;
	a = calloc(1, sizeof(*a));
	if (!a)
		return NULL;
	mapping_get(map);
	a->map = map;
	a->next = lot.all;
	lot.all = a;
	return a;
}

/* Whether the sleeping watcher sleeps on all that the wait waits for. */
static bool is_covered(const struct polled *w, bool new_owner)
{
	uint64_t until = w->park.until;

	return !asleep ||
	       (!new_owner && w->where->heard >> lot_bell(w) & 1 &&
		lot.slice >= sleeps_until && (!until || until >= sleeps_until));
}

/* POLLING-2 */
static void park(struct polled *w)
{
	struct watched *a = w->where;
	bool new_owner;

	if (!a->at[lot_bell(w)])
		lot_read_bell(a, lot_bell(w));
	lot_link(&a->at[lot_bell(w)], w);
	a->recent |= UINT64_C(1) << lot_bell(w);
	w->state = POLLED_PARKED;
	if (!lot.parked++) {
		lot.due = NS_NEVER;
		lot.slice = sys.now() + SLICE_NS;
	}
	if (lot_is_due(w, sys.now())) {
		lot_ready(w);
		return;
	}
	new_owner = lot_list_owners(&w->park);
	lot_note_until(w->park.until);
	if (!is_covered(w, new_owner))
		kick_watcher();
}

int polling_park(struct polled *w)
{
	int r = start();

	w->where = r ? NULL : watch(w->park.map);
	if (!r && !w->where)
		r = -ENOMEM;
	if (r) {
		polled_unnote(w->park.map, &w->park.note);
		return r;
	}
	w->where->count++;
	lot_link_task(w);
	park(w);
	return -EINPROGRESS;
}

static bool is_of_handle(const struct polled *w, const void *closing)
{
	return w->closing == closing;
}

void polling_end_waits_of(const uint32_t *closing)
{
	polling_lock();
	lot_ready_those(is_of_handle, closing);
	polling_unlock();
}

uint32_t polling_waits_at(const struct mapping *map, uint64_t task)
{
	const struct polled *w;
	uint32_t slot;

	polling_lock();
	w = lot.by_task[task % LOT_TASKS];
	while (w && (w->task != task || w->park.map != map))
		w = w->next_of_task;
	slot = w ? w->park.slot + 1 : 0;
	polling_unlock();
	return slot;
}

void polling_stop(void)
{
	pthread_t it;
	bool stops;

	polling_lock();
	stops = joinable && !lot.parked;
	it = thread;
	if (stops) {
		runs = joinable = false;
		turn++;
		kick_watcher();
	}
	polling_unlock();
	if (stops)
		pthread_join(it, NULL);
	polling_lock();
	drop_mappings();
	polling_unlock();
}

void polling_forget(void)
{
	/* Without waits, these mappings go at the next drop_mappings(). */
	for (struct watched *a = lot.all; a; a = a->next) {
		memset(a->at, 0, sizeof(a->at));
		a->count = 0;
		a->recent = 0;
	}
	memset(lot.by_task, 0, sizeof(lot.by_task));
	lot.owner_count = lot.parked = polling_queues = 0;
	runs = joinable = asleep = false;
	turn++;
}
