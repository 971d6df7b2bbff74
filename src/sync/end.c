/* SPDX-License-Identifier: MIT */
/* The ends of a flight: publish, fail, release. */
#include <errno.h>
#include <string.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "store/owned.h"
#include "store/pin.h"
#include "sync/ending.h"
#include "sync/outcome.h"
#include "sync/result.h"

void flight_yield(struct peer *p, uint32_t slot)
{
	slot_yield(p, slot);
	owned_drop(p, slot);
}

/* Reaps the dead leader from which this one took over; due after the work. */
static force_inline void reap_last(struct flight *f, struct peer *p)
{
	if (likely(!f->reap))
		return;
	peer_reap(p->map, f->reap - 1);
	f->reap = 0;
}

/* The leader has lost the flight: lets go of the slot. Returns -ESTALE. */
static int fenced(struct flight *f, struct peer *p)
{
	ending_note_loss(f, p);
	flight_yield(p, f->slot);
	reap_last(f, p);
	peer_count(p, COUNT_fenced);
	store_relaxed(&f->map, NULL);
	f->outcome = -ESTALE;
	return -ESTALE;
}

/*
 * Notes in the flight whether an invalidator has marked it. False: the leader
 * has lost the flight.
 */
static bool look_for_mark(struct flight *f, const struct peer *p)
{
	uint64_t now = load_seq(&p->map->slots[f->slot].ctl);

	if ((now ^ f->ctl) & ~CTL_INVALID)
		return false;
	store_relaxed(&f->ctl, now);
	f->invalidated |= ctl_invalid(now);
	return true;
}

/* end() has failed: tries again if an invalidator has marked the flight. */
static bool end_marked(struct flight *f, struct peer *p, uint64_t next,
		       bool written)
{
	struct field result = slot_other(p->map, f->slot, f->ctl);

	if (!look_for_mark(f, p))
		return false;
	if (written)
		store_relaxed(&result.front->ttl_ms, 0);
	return cas_seq(&p->map->slots[f->slot].ctl, f->ctl, next);
}

/*
 * Ends the flight by one CAS. True: the leader still had the flight. `written`:
 * the other field has the flight's result. If an invalidator has marked the
 * flight, that result gets no lifetime. No invalidation is missed: the mark
 * comes before the CAS, or the invalidator finds the result (FLIGHT-T18).
 */
static force_inline bool end(struct flight *f, struct peer *p, uint64_t next,
			     bool written)
{
	struct shm_slot *s = &p->map->slots[f->slot];

	ending_remember(p, s);
	/*
	 * A leader has lived to end a flight, so the row of deaths is over. If
	 * the flight was stolen, the slot may be another key's (MOVE-6).
	 */
	if (unlikely(load_relaxed(&s->deaths)) && flight_stands(f))
		store_relaxed(&s->deaths, 0);
	return likely(cas_seq(&s->ctl, f->ctl, next)) ||
	       end_marked(f, p, next, written);
}

/*
 * Lets the leader write the other field: hides the failure that is there
 * (FLIGHT-T17), but does not wait for the readers of that failure. False: the
 * leader has lost the flight.
 */
static force_inline bool open_field(struct flight *f, struct peer *p)
{
	struct shm_slot *s = &p->map->slots[f->slot];

	if (likely(load_seq(&s->ctl) == f->ctl && !ctl_failed(f->ctl)))
		return true;
	do {
		if (!look_for_mark(f, p))
			return false;
		if (!ctl_failed(f->ctl))
			return true;
	} while (!cas_seq(&s->ctl, f->ctl, f->ctl & ~CTL_FAILED));
	/*
	 * ORDER-S2 pairs ORDER-S1
	 * A reader that copies the failure finds the control word changed.
	 */
	fence_release();
	store_relaxed(&f->ctl, f->ctl & ~CTL_FAILED);
	kill_point(failure_hidden);
	return true;
}

static force_inline void wake_and_forget(struct flight *f, struct peer *p,
					 enum shm_event_kind kind,
					 uint64_t when, int outcome)
{
	bool all = kind != EVENT_released;
	uint32_t *event = &p->map->cold[f->slot].event;
	bool shared = unlikely(event_awaited(event)) &&
		      event_wake(p->map, event, all);

	if (unlikely(shared))
		peer_count(p, COUNT_wakeups);
	if (f->result)
		f->result->shared = shared;
	kill_point(publish_woken);
	owned_drop(p, f->slot);
	ending_note(f, p, kind, shared, when);
	reap_last(f, p);
	store_relaxed(&f->map, NULL);
	f->outcome = outcome;
}

static void copy_value(struct flight *f, const struct outcome *o)
{
	struct sfshm_result *res = f->result;

	res->uncached = !o->ttl_ms || f->invalidated;
	if (result_gather(res, o->iov, o->count, o->len))
		f->outcome = -ENOMEM;
}

/* Gives sfshm_do()'s caller the value that its work published. */
static force_inline void copy_result(struct flight *f, const struct outcome *o)
{
	if (f->result)
		copy_value(f, o);
}

/* Gives sfshm_do()'s caller the failure that its work ended with. */
static void copy_failure(struct flight *f, int code, const char *message)
{
	struct sfshm_result *res = f->result;

	if (!res)
		return;
	res->code = code;
	res->value.len = 0;
	result_take_message(res, message);
}

static bool awaited(const struct flight *f, const struct peer *p)
{
	return load_relaxed(&p->map->cold[f->slot].event) & EVENT_AWAITED;
}

/*
 * Makes the evictor spare the result for the waiters, however short its
 * lifetime (PROBATION-T9).
 */
static force_inline void spare_for_waiters(struct flight *f, struct peer *p)
{
	if (awaited(f, p))
		store_relaxed(&p->map->slots[f->slot].recent, 1);
}

/* Makes the value visible and wakes the waiters. */
static on_waking int show(struct flight *f, struct peer *p,
			  const struct outcome *o)
{
	spare_for_waiters(f, p);
	/*
	 * ORDER-F1 pairs ORDER-F2
	 * All of the value comes before the flip that shows it.
	 */
	if (!end(f, p,
		 ctl_make(ctl_gen(f->ctl), 0, PHASE_DONE,
			  (f->ctl ^ CTL_CUR) | CTL_HAS),
		 true))
		return fenced(f, p);
	kill_point(publish_flipped);
	/* An invalidation that returned before the flip has raised its tag's
	   word. */
	if (unlikely(flight_head(f)))
		f->invalidated |= tagging_is_outdated(p->map, &f->tagging);
	peer_count(p, COUNT_publishes);
	ending_count_work(f, p);
	wake_and_forget(f, p, EVENT_published, p->tick, SFSHM_COMPUTED);
	copy_result(f, o);
	return f->invalidated ? SFSHM_INVALIDATED : 0;
}

/*
 * Ends the flight without a result: there is no room for its value, and nobody
 * waits for it.
 */
static int drop(struct flight *f, struct peer *p, const struct outcome *o)
{
	if (!end(f, p, ctl_with(f->ctl, PHASE_IDLE, 0), false))
		return fenced(f, p);
	kill_point(release_flipped);
	wake_and_forget(f, p, EVENT_uncached, p->tick, SFSHM_COMPUTED);
	copy_result(f, o);
	return 0;
}

/*
 * FLIGHT-T16: makes room by freeing an old value that does not serve anybody,
 * not even as a stale one. True: it has freed one.
 *
 * ORDER-S3 pairs ORDER-S4
 * A reader that still copies the value finds the control word changed.
 */
static bool give_up_old(struct flight *f, struct peer *p)
{
	struct shm_slot *s = &p->map->slots[f->slot];
	struct field old = slot_value(p->map, f->slot, f->ctl);

	if (!ctl_has(f->ctl) || field_serves(old, peer_clock(p, sys.coarse())))
		return false;
	while (!cas_seq(&s->ctl, f->ctl, f->ctl & ~CTL_HAS))
		if (!look_for_mark(f, p))
			return false;
	store_relaxed(&f->ctl, f->ctl & ~CTL_HAS);
	kill_point(publish_given_up);
	pin_free_field(p, f->slot, old.back);
	return true;
}

/* Ends work that its caller ran for itself. */
static int end_alone(struct flight *f, int outcome)
{
	store_relaxed(&f->alone, false);
	f->outcome = outcome;
	return 0;
}

static int publish_alone(struct flight *f, struct outcome *o, uint64_t total)
{
	if (total > UINT32_MAX)
		return -EMSGSIZE;
	end_alone(f, SFSHM_COMPUTED);
	o->len = (uint32_t)total;
	o->ttl_ms = 0;
	copy_result(f, o);
	return 0;
}

/*
 * Hit-for-miss: publishes a mark, which tells all other callers to run the work
 * themselves, even if there is an older value. The leader keeps its value to
 * itself, so that value may have any size.
 */
static int keep_to_itself(struct flight *f, struct peer *p, struct outcome *o)
{
	const struct outcome mark = {
		.code = SHM_CODE_UNCACHEABLE,
		.ttl_ms = f->uncacheable_ms,
	};
	int r = outcome_write(f, p, &mark);

	if (r)
		return r;
	if (!end(f, p,
		 ctl_with((f->ctl & ~CTL_HAS) | CTL_FAILED, PHASE_FAILED, 0),
		 true))
		return fenced(f, p);
	kill_point(fail_flipped);
	wake_and_forget(f, p, EVENT_uncached, p->tick, SFSHM_COMPUTED);
	if (f->result)
		f->result->shared = false;
	o->ttl_ms = 0;
	copy_result(f, o);
	return f->uncacheable ? 0 : SFSHM_UNCACHED;
}

/*
 * Publishes a value for which there is no room. The waiters still get it, in
 * the spare granules, which are set apart for this. If those are in use, only
 * sfshm_do()'s own caller gets the value.
 */
static int hand_on(struct flight *f, struct peer *p, struct outcome *o)
{
	int r;

	peer_count(p, COUNT_no_space);
	if (f->flags & SFSHM_KEEP)
		return -ENOSPC;
	o->ttl_ms = 0;
	o->keep_ms = 0;
	o->spare = true;
	if (!awaited(f, p))
		r = drop(f, p, o);
	else
		r = outcome_write(f, p, o) ?: show(f, p, o);
	if (r == -ENOSPC && f->result)
		r = keep_to_itself(f, p, o);
	if (r < 0)
		return r;
	peer_count(p, COUNT_uncached);
	return SFSHM_UNCACHED;
}

/*
 * Writes the value and shows it. After an error other than -ESTALE the flight
 * goes on.
 */
static on_waking int write_and_show(struct flight *f, struct peer *p,
				    struct outcome *o)
{
	int r = outcome_write(f, p, o);

	if (r == -ENOSPC && give_up_old(f, p))
		r = outcome_write(f, p, o);
	if (r == -ENOSPC)
		return hand_on(f, p, o);
	return r ? r : show(f, p, o);
}

on_waking int flight_publish(struct flight *f, struct peer *p,
			     const struct iovec *iov, int count)
{
	struct outcome o = {
		.iov = iov,
		.count = count,
		.ttl_ms = f->ttl_ms,
		.keep_ms = f->keep_ms,
	};
	uint64_t total;
	int r = result_total(iov, count, &total);
	bool to_itself = f->uncacheable;

	if (unlikely(r))
		return r;
	if (unlikely(f->alone))
		return publish_alone(f, &o, total);
	if (unlikely(total > p->map->geometry.max_value ||
		     total + flight_head(f) > UINT32_MAX)) {
		if (!f->uncacheable)
			peer_count(p, COUNT_too_large);
		if (total > flight_largest(f))
			return -EMSGSIZE;
		to_itself = true;
	}
	if (!open_field(f, p))
		return fenced(f, p);
	o.len = (uint32_t)total;
	r = unlikely(to_itself) ? keep_to_itself(f, p, &o) :
				  write_and_show(f, p, &o);
	if (unlikely(r < 0 && f->flags & SFSHM_FAIL_IF_LOST && flight_open(f)))
		flight_write_loss(f, p);
	return r;
}

void flight_write_loss(struct flight *f, struct peer *p)
{
	const struct outcome loss = { .code = -EOWNERDEAD };

	/* A failure without a message needs no room. */
	if (open_field(f, p))
		(void)outcome_write(f, p, &loss);
}

int flight_note(struct flight *f, struct peer *p, const void *data,
		uint32_t len)
{
	struct iovec iov = {
		.iov_base = (void *)(uintptr_t)data,
		.iov_len = len,
	};
	struct outcome o = { .iov = &iov, .count = 1, .len = len };

	o.ttl_ms = f->ttl_ms;
	if (!open_field(f, p))
		return fenced(f, p);
	return len > p->map->geometry.max_value ? -EMSGSIZE :
						  outcome_write(f, p, &o);
}

int flight_fail(struct flight *f, struct peer *p, int code, const char *message)
{
	char cut[SFSHM_MESSAGE_MAX];
	struct iovec text = { 0 };
	struct outcome o = {
		.iov = &text,
		.count = 1,
		.code = code,
		.ttl_ms = f->neg_ttl_ms,
	};
	int r;

	if (!flight_may_fail_with(code))
		return -EINVAL;
	if (!f->alone && !open_field(f, p))
		return fenced(f, p);
	message = result_fit_message(message, cut);
	text.iov_base = (void *)(uintptr_t)message;
	text.iov_len = message ? strlen(message) : 0;
	o.len = (uint32_t)text.iov_len;
	if (f->alone) {
		copy_failure(f, code, message);
		return end_alone(f, code == -ENOENT ? -ENOENT : -EREMOTEIO);
	}
	r = outcome_write(f, p, &o);
	/* If there is no room for the message, followers get the code alone. */
	o.len = 0;
	if (r)
		r = outcome_write(f, p, &o);
	if (r)
		return r;
	spare_for_waiters(f, p);
	if (!end(f, p, ctl_with(f->ctl | CTL_FAILED, PHASE_FAILED, 0), true))
		return fenced(f, p);
	kill_point(fail_flipped);
	peer_count(p, COUNT_load_errs);
	ending_count_work(f, p);
	copy_failure(f, code, message);
	wake_and_forget(f, p, EVENT_failed, p->tick,
			code == -ENOENT ? -ENOENT : -EREMOTEIO);
	return 0;
}

int flight_release(struct flight *f, struct peer *p)
{
	uint64_t now, started;
	int64_t ns;

	if (unlikely(f->alone))
		return end_alone(f, -ECANCELED);
	started = load_relaxed(&p->map->cold[f->slot].started);
	if (unlikely(!end(f, p, ctl_with(f->ctl, PHASE_IDLE, 0), false)))
		return fenced(f, p);
	kill_point(release_flipped);
	peer_count(p, COUNT_releases);
	now = sys.coarse();
	ns = started_ago(started, now);
	p->took = ns > 0 ? (uint64_t)ns : 0;
	wake_and_forget(f, p, EVENT_released, now, -ECANCELED);
	return 0;
}

int flight_end_somehow(struct flight *f, struct peer *p, int code,
		       const char *message)
{
	int r = code ? flight_fail(f, p, code, message) : 0;

	return flight_open(f) ? flight_release(f, p) : r;
}
