/* SPDX-License-Identifier: MIT */
#include "peer/wait.h"

#include <errno.h>
#include <pthread.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "segment/fingerprint.h"

/* W4: how long a sleep lasts at most, and how much that is spread. */
#define SLICE_NS (100 * NS_PER_MS)
/* The same where several words cannot be slept on: a dead owner is polled. */
#define POLL_NS (4 * NS_PER_MS)

static __thread struct robust_head *head;

static uint64_t jittered(uint64_t slice, const struct wait *w, uint64_t now)
{
	/* any spread will do: the point is that sleepers do not march */
	uint64_t mix = (now ^ w->self->id) * UINT64_C(0x9e3779b97f4a7c15);

	return slice - slice / 4 + (mix >> 40) * (slice / 2) / (1 << 24);
}

/*
 * order: R1 pairs R2
 * The kernel reads list_op_pending when the thread is gone, so a compiler
 * barrier is all that the order of these stores needs.
 */
static void set_pending(struct shm_participant *owner)
{
	if (!head)
		head = robust_head();
	if (!head)
		return;
	head->list_op_pending = (uint8_t *)&owner->relay - head->futex_offset;
	compiler_barrier();
}

void wait_done(void)
{
	if (!head)
		return;
	/* order: R2 pairs R1 */
	compiler_barrier();
	head->list_op_pending = NULL;
}

static void add(struct futex_waitv *v, unsigned int *n, uint32_t *word,
		uint32_t value, uint32_t flags)
{
	v[*n] = (struct futex_waitv){
		.uaddr = (uintptr_t)word,
		.val = value,
		.flags = FUTEX_32 | flags,
	};
	(*n)++;
}

static int sleep_on_all(struct wait *w, const struct timespec *until)
{
	struct futex_waitv v[5];
	unsigned int n = 0;

	add(v, &n, w->event, w->event_seen, 0);
	if (w->owner) {
		add(v, &n, liveness_word(w->self->map, w->owner), w->owner_seen,
		    0);
		add(v, &n, &w->owner->relay, 0, 0);
	}
	if (w->cancel)
		add(v, &n, &w->cancel->word, 0, FUTEX_PRIVATE_FLAG);
	if (w->closing)
		add(v, &n, w->closing, w->closing_seen, 0);
	return sys.waitv(v, n, until);
}

/* A filter may have come after the probe. */
static bool refused(int r)
{
	return r == -ENOSYS || r == -EPERM;
}

static bool expected(int r)
{
	return r >= 0 || r == -EAGAIN || r == -ETIMEDOUT || r == -EINTR;
}

static int sleep_somehow(struct wait *w, const struct timespec *until)
{
	struct timespec nap = { .tv_nsec = POLL_NS };
	int r = -ENOSYS;

	if (sys_has_waitv())
		r = sleep_on_all(w, until);
	if (refused(r)) {
		sys_force_waitv(0);
		r = sys.wait(w->event, w->event_seen, until);
	}
	/* Out of memory in the kernel, say: not to be met by spinning. */
	if (!expected(r))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	return r;
}

/*
 * The sleep is a cancellation point. Nothing is held here that the thread's
 * exit does not give back, so being cancelled at any instruction is safe.
 */
static int cancellable_sleep(struct wait *w, const struct timespec *until)
{
	int type, ignored, r;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	r = sleep_somehow(w, until);
	pthread_setcanceltype(type, &ignored);
	return r;
}

int wait_sleep(struct wait *w)
{
	uint64_t now = sys.now();
	uint64_t end =
		now + jittered(sys_has_waitv() ? SLICE_NS : POLL_NS, w, now);
	struct timespec until;
	bool slice = true;
	int r;

	if (w->until && w->until < end) {
		end = w->until;
		slice = false;
	}
	until.tv_sec = (time_t)(end / NS_PER_S);
	until.tv_nsec = (long)(end % NS_PER_S);
	if (w->owner)
		set_pending(w->owner);
	kill_point(wait_noted);
	peer_count(w->self, COUNT_waits);
	r = cancellable_sleep(w, &until);
	kill_point(wait_woken);
	/* W1 */
	if (w->owner) {
		uint32_t *word = liveness_word(w->self->map, w->owner);

		if (load_acquire(word) != w->owner_seen)
			sys.wake(word, INT32_MAX);
	}
	return r == -ETIMEDOUT && slice ? -EAGAIN : 0;
}

/*
 * order: E1 pairs E2
 * A waiter announces itself, then looks at the control word; a waker changes
 * the control word, then looks for waiters. All four accesses are
 * sequentially consistent, so one of the two sees the other. Weaker: a lost
 * wake, mended only by the slice.
 */
uint32_t event_arm(uint32_t *event)
{
	uint32_t e = load_seq(event);

	while (!(e & EVENT_WAITERS)) {
		if (cas_seq(event, e, e | EVENT_WAITERS))
			return e | EVENT_WAITERS;
		e = load_seq(event);
	}
	return e;
}

bool event_wake(uint32_t *event, bool all)
{
	uint32_t e, next;

	do {
		/* order: E2 pairs E1 */
		e = load_seq(event);
		if (!(e & EVENT_WAITERS))
			return false;
		next = e + EVENT_STEP;
		if (all)
			next &= ~EVENT_WAITERS;
	} while (!cas_seq(event, e, next));
	sys.wake(event, all ? INT32_MAX : 1);
	return true;
}
