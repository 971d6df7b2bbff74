/* SPDX-License-Identifier: MIT */
#include "peer/wait.h"

#include <errno.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/polled.h"

/* WAIT-4: a sleep's slice, before jitter of a quarter either way. */
#define SLICE_NS (100 * NS_PER_MS)
/* The slice without futex_waitv(2), where a waiter polls for a dead owner. */
#define POLL_NS (4 * NS_PER_MS)

static __thread struct robust_head *head;
static __thread uint32_t *resting; /* WAIT-6: a relay word, or NULL */

static uint64_t jittered(uint64_t slice, const struct wait *w, uint64_t now)
{
	/* any spread will do: sleepers must not wake in step */
	uint64_t mix = (now ^ w->self->id) * UINT64_C(0x9e3779b97f4a7c15);

	return slice - slice / 4 + (mix >> 40) * (slice / 2) / (1 << 24);
}

/*
 * ORDER-R1 pairs ORDER-R2
 * The kernel reads list_op_pending after the thread's last instruction, so a
 * compiler barrier is all that the order of these stores needs.
 */
static void set_pending(uint32_t *relay)
{
	if (unlikely(!head))
		head = robust_head();
	if (unlikely(!head))
		return;
	head->list_op_pending = (uint8_t *)relay - head->futex_offset;
	compiler_barrier();
}

on_waking void wait_done(void)
{
	if (!head)
		return;
	/* ORDER-R2 pairs ORDER-R1 */
	compiler_barrier();
	if (resting)
		set_pending(resting);
	else
		head->list_op_pending = NULL;
}

void wait_rest_at(const struct mapping *map)
{
	resting = &map->header->relay;
	set_pending(resting);
}

void wait_unrest(void)
{
	resting = NULL;
	wait_done();
}

static void add(struct futex_waitv **v, uint32_t *word, uint32_t value,
		uint32_t flags)
{
	*(*v)++ = (struct futex_waitv){
		.uaddr = (uintptr_t)word,
		.val = value,
		.flags = FUTEX_32 | flags,
	};
}

/* Lists the words to sleep on; returns how many. */
static force_inline unsigned int list_words(const struct wait *w)
{
	struct futex_waitv *v = w->words;

	add(&v, w->event, w->event_seen, 0);
	if (w->owner) {
		add(&v, liveness_word(w->self->map, w->owner), w->owner_seen,
		    0);
		add(&v, &w->owner->relay, 0, 0);
	} else if (w->relay) {
		add(&v, w->relay, 0, 0);
	}
	if (w->relay_before)
		add(&v, w->relay_before, 0, 0);
	if (w->cancel)
		add(&v, &w->cancel->word, 0, FUTEX_PRIVATE_FLAG);
	if (w->closing)
		add(&v, w->closing, w->closing_seen, 0);
	for (uint32_t i = 0; i < w->more_count; i++)
		add(&v, w->more[i].word, w->more[i].seen, 0);
	return (unsigned int)(v - w->words);
}

void wait_prepare(const struct wait *w, struct nap *n)
{
	uint64_t now = sys.now(), end;

	n->count = sys_has_waitv() ? list_words(w) : 0;
	end = now + jittered(n->count ? SLICE_NS : POLL_NS, w, now);
	n->slice = true;
	if (w->until && w->until < end) {
		end = w->until;
		n->slice = false;
	}
	n->until.tv_sec = (time_t)(end / NS_PER_S);
	n->until.tv_nsec = (long)(end % NS_PER_S);
	if (w->owner)
		set_pending(&w->owner->relay);
	kill_point(wait_noted);
	peer_count(w->self, COUNT_waits);
}

/* A seccomp filter may have come after sys_has_waitv() asked. */
static bool refused(int r)
{
	return r == -ENOSYS || r == -EPERM;
}

static bool expected(int r)
{
	return r >= 0 || r == -EAGAIN || r == -ETIMEDOUT || r == -EINTR;
}

bool wait_over(const struct wait *w)
{
	if (load_acquire(w->event) != w->event_seen ||
	    (w->owner && wait_owner_changed(w)) ||
	    (w->cancel && load_acquire(&w->cancel->word)) ||
	    (w->closing && load_acquire(w->closing) != w->closing_seen))
		return true;
	for (uint32_t i = 0; i < w->more_count; i++)
		if (load_acquire(w->more[i].word) != w->more[i].seen)
			return true;
	return false;
}

/* WAIT-2: clears a stray byte, which only a broken program can have written. */
static void mend_relay(struct peer *p, uint32_t *relay)
{
	uint32_t stray = relay ? load_relaxed(relay) : 0;

	if (stray && cas_relaxed(relay, stray, 0))
		peer_count(p, COUNT_corrupt);
}

/*
 * Called after the kernel said that a word differs. True if that can only be a
 * relay word; then mends it.
 */
static bool relay_differs(const struct wait *w)
{
	if (wait_over(w))
		return false;
	mend_relay(w->self, w->owner ? &w->owner->relay : w->relay);
	mend_relay(w->self, w->relay_before);
	return true;
}

int wait_otherwise(const struct wait *w, const struct nap *n)
{
	struct timespec poll = { .tv_nsec = POLL_NS };
	int r = n->count ? -errno : -ENOSYS;
	bool differs = r == -EAGAIN && relay_differs(w);

	if (refused(r)) {
		sys_force_waitv(0);
		r = sys.wait(w->event, w->event_seen, &n->until);
	}
	/* So the waiter does not spin on a stray byte or on -ENOMEM. */
	if (differs || !expected(r))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &poll, NULL);
	return r;
}

void wait_wake_others(const struct wait *w)
{
	if (w->owner && wait_owner_changed(w))
		sys.wake(liveness_word(w->self->map, w->owner), INT32_MAX);
	for (uint32_t i = 0; i < w->more_count; i++) {
		const struct wait_word *m = &w->more[i];

		if (m->liveness && load_acquire(m->word) != m->seen)
			sys.wake(m->word, INT32_MAX);
	}
}

/*
 * ORDER-E1 pairs ORDER-E2
 * A waiter announces itself, then looks at the control word; a waker changes
 * the control word, then looks for waiters. All four accesses are sequentially
 * consistent, so one of the two sees the other. Were they weaker, a waker could
 * miss a waiter, which would sleep until its slice ends.
 */
static uint32_t arm(uint32_t *event, uint32_t bits)
{
	uint32_t e = load_seq(event);

	while ((e & bits) != bits) {
		if (cas_seq(event, e, e | bits))
			return e | bits;
		e = load_seq(event);
	}
	return e;
}

uint32_t event_arm(uint32_t *event)
{
	return arm(event, EVENT_WAITERS);
}

uint32_t event_arm_all(uint32_t *event)
{
	return arm(event, EVENT_WAITERS | EVENT_ALL);
}

uint32_t event_arm_polled(uint32_t *event)
{
	return arm(event, EVENT_POLLED);
}

/*
 * event_wake() for an event with EVENT_ALL or EVENT_POLLED. The wake reaches
 * all polled waits, even if it is for one sleeper (POLLED-1, POLLED-2).
 */
static __attribute__((noinline)) bool wake_more(const struct mapping *map,
						uint32_t *event, bool all)
{
	uint32_t e, next;

	do {
		/* ORDER-E2 pairs ORDER-E1 */
		e = load_seq(event);
		if (!(e & EVENT_AWAITED))
			return false;
		all |= (e & EVENT_ALL) != 0;
		next = (e & ~EVENT_POLLED) + EVENT_STEP;
		if (all)
			next &= ~(EVENT_WAITERS | EVENT_ALL);
	} while (!cas_seq(event, e, next));
	if (e & EVENT_WAITERS)
		sys.wake(event, all ? INT32_MAX : 1);
	if (e & EVENT_POLLED)
		polled_ring(map, event);
	return true;
}

on_waking bool event_wake(const struct mapping *map, uint32_t *event, bool all)
{
	uint32_t e;

	do {
		/* ORDER-E2 pairs ORDER-E1 */
		e = load_seq(event);
		if (unlikely(e & (EVENT_ALL | EVENT_POLLED)))
			return wake_more(map, event, all);
		if (!(e & EVENT_WAITERS))
			return false;
		/* A wake for all takes EVENT_WAITERS away, which is 1. */
	} while (!cas_seq(event, e, e + EVENT_STEP - all));
	sys.wake(event, all ? INT32_MAX : 1);
	return true;
}

bool event_wake_one(const struct mapping *map, uint32_t *event)
{
	uint32_t e;

	do {
		/* ORDER-E2 pairs ORDER-E1 */
		e = load_seq(event);
		if (!(e & EVENT_AWAITED))
			return false;
	} while (!cas_seq(event, e, (e & ~EVENT_POLLED) + EVENT_STEP));
	/* A waiter that is announced and still awake sees the change. */
	if (e & EVENT_WAITERS && sys.wake(event, 1) < 1)
		event_wake(map, event, true);
	if (unlikely(e & EVENT_POLLED))
		polled_ring(map, event);
	return true;
}
