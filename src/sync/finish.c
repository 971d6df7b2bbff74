/* SPDX-License-Identifier: MIT */
/* The ends of a flight: publish, fail, release, and what the dead leave. */
#include <errno.h>
#include <string.h>

#include "os/killpoint.h"
#include "os/sys.h"
#include "peer/wait.h"
#include "store/claims.h"
#include "store/pin.h"
#include "sync/flight.h"

void flight_yield(struct peer *p, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];
	uint64_t c = load_seq(&s->ctl);

	while ((ctl_phase(c) == PHASE_RETIRED || ctl_phase(c) == PHASE_LIMBO) &&
	       ctl_owner(c) == p->id) {
		/* Ours until the CAS, so a grace period may start anew. */
		store_release(&s->started,
			      load_acquire(&p->map->header->epoch));
		if (cas_seq(&s->ctl, c, ctl_with(c, ctl_phase(c), 0)))
			break;
		c = load_seq(&s->ctl);
	}
	claim_drop(p, slot);
}

/* What may be ended, and by whom. */
static int check(const struct flight *f, const struct peer *p)
{
	if (!f->map)
		return -ESTALE;
	if (f->record != p->record || f->incarnation != p->incarnation)
		return -EPERM;
	return 0;
}

static int fenced(struct flight *f, struct peer *p)
{
	flight_yield(p, f->slot);
	peer_count(p, COUNT_fenced);
	f->map = NULL;
	f->outcome = -ESTALE;
	return -ESTALE;
}

/* The CAS that ends the flight; true: it was still ours. */
static bool end(struct flight *f, struct peer *p, uint64_t next)
{
	return cas_seq(&p->map->slots[f->slot].ctl, f->ctl, next);
}

static void wake_and_forget(struct flight *f, struct peer *p, bool all,
			    int outcome)
{
	bool shared = event_wake(&p->map->slots[f->slot].event, all);

	if (shared)
		peer_count(p, COUNT_wakeups);
	if (f->result)
		f->result->shared = shared;
	kill_point(publish_woken);
	claim_drop(p, f->slot);
	f->map = NULL;
	f->outcome = outcome;
}

/*
 * Gets the field a chain of the right size: the one it has, if that fits,
 * else a new one. Whenever the reference counts (A4), `len` is its size.
 */
static int fit_chain(struct peer *p, uint32_t slot, struct shm_field *f,
		     uint32_t len)
{
	uint32_t need = granules_for(len), ref;
	int r;

	pin_make_way(p, slot, f);
	if (arena_is_live(p->map, slot, load_relaxed(&f->ref)) &&
	    granules_for(load_relaxed(&f->len)) == need) {
		store_relaxed(&f->len, len);
		return 0;
	}
	arena_free(p, slot, &f->ref);
	store_relaxed(&f->len, len);
	if (!need)
		return 0;
	r = arena_build(p, need, &ref);
	if (r) {
		store_relaxed(&f->len, 0);
		return r;
	}
	arena_hand_over(p, slot, &f->ref);
	return 0;
}

/*
 * Writes the other field. It was last visible two flights ago at most, and
 * readers that still copy it find out by the control word.
 *
 * order: S2 pairs S1
 * The claim of this flight, and that of each granule, comes before every byte
 * of it.
 */
static int write_field(struct flight *f, struct peer *p,
		       const struct iovec *iov, int count, uint32_t len,
		       int code, uint32_t ttl_ms)
{
	struct shm_slot *s = &p->map->slots[f->slot];
	struct shm_field *field = &s->field[!ctl_cur(f->ctl)];
	int r;

	r = fit_chain(p, f->slot, field, len);
	fence_release();
	if (!r && len)
		r = arena_write(p->map, load_relaxed(&field->ref), iov, count);
	if (r)
		return r;
	store_relaxed(&field->code, code);
	/* A value that only moves is not what those who wait here wait for. */
	store_relaxed(&field->gen,
		      (uint32_t)ctl_gen(f->ctl) - (f->stored != 0));
	store_relaxed(&field->stored, f->stored ? f->stored : sys.coarse());
	store_relaxed(&field->ttl_ms, ttl_ms);
	store_relaxed(&s->deaths, 0);
	kill_point(publish_written);
	return 0;
}

/* Is the flight still ours to end? Saves the work of writing for nothing. */
static bool lost(const struct flight *f, const struct peer *p)
{
	return load_seq(&p->map->slots[f->slot].ctl) != f->ctl;
}

static int total_of(const struct iovec *iov, int count, uint64_t *total)
{
	if (count < 0 || (count && !iov))
		return -EINVAL;
	*total = 0;
	for (int i = 0; i < count; i++)
		if (__builtin_add_overflow(*total, iov[i].iov_len, total))
			return -EMSGSIZE;
	return 0;
}

/* sfshm_do()'s caller gets what its work published. */
static int copy_result(struct flight *f, const struct iovec *iov, int count,
		       uint64_t total)
{
	struct sfshm_result *res = f->result;
	uint8_t *to;

	if (!res)
		return 0;
	if (buf_reserve(&res->value, total)) {
		f->outcome = -ENOMEM;
		return 0;
	}
	to = res->value.data;
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	res->value.len = total;
	return 0;
}

/* ... and what it failed with. */
static void copy_failure(struct flight *f, int code, const struct iovec *text)
{
	struct sfshm_result *res = f->result;

	if (!res)
		return;
	res->code = code;
	res->value.len = 0;
	if (text->iov_len)
		memcpy(res->message, text->iov_base, text->iov_len);
	res->message[text->iov_len] = '\0';
}

int flight_publish(struct flight *f, struct peer *p, const struct iovec *iov,
		   int count)
{
	struct shm_slot *s;
	uint64_t total;
	int r = check(f, p);

	if (!r)
		r = total_of(iov, count, &total);
	if (r)
		return r;
	if (total > p->map->geometry.max_value) {
		peer_count(p, COUNT_too_large);
		return -EMSGSIZE;
	}
	if (lost(f, p))
		return fenced(f, p);
	r = write_field(f, p, iov, count, (uint32_t)total, 0, f->ttl_ms);
	if (r == -ENOSPC)
		peer_count(p, COUNT_no_space);
	if (r)
		return r;
	s = &p->map->slots[f->slot];
	/* Who waits must find it, however short its life is meant to be. */
	if (load_relaxed(&s->event) & EVENT_WAITERS)
		store_relaxed(&s->recent, 1);
	/*
	 * order: F1 pairs F2
	 * All of the value comes before the flip that shows it.
	 */
	if (!end(f, p,
		 ctl_make(ctl_gen(f->ctl), 0, PHASE_DONE,
			  (f->ctl ^ CTL_CUR) | CTL_HAS)))
		return fenced(f, p);
	kill_point(publish_flipped);
	peer_count(p, COUNT_publishes);
	wake_and_forget(f, p, true, SFSHM_COMPUTED);
	return copy_result(f, iov, count, total);
}

int flight_fail(struct flight *f, struct peer *p, int code, const char *message)
{
	struct iovec text = { .iov_base = (void *)(uintptr_t)message };
	int r = check(f, p);

	if (r)
		return r;
	if (code == 0)
		return -EINVAL;
	if (lost(f, p))
		return fenced(f, p);
	text.iov_len = message ? strnlen(message, SFSHM_MESSAGE_MAX - 1) : 0;
	r = write_field(f, p, &text, 1, (uint32_t)text.iov_len, code,
			f->neg_ttl_ms);
	/* Without room for the message the code must do. */
	if (r)
		r = write_field(f, p, NULL, 0, 0, code, f->neg_ttl_ms);
	if (r)
		return r;
	if (!end(f, p, ctl_with(f->ctl, PHASE_FAILED, 0)))
		return fenced(f, p);
	kill_point(fail_flipped);
	peer_count(p, COUNT_load_errs);
	copy_failure(f, code, &text);
	wake_and_forget(f, p, true, code == -ENOENT ? -ENOENT : -EREMOTEIO);
	return 0;
}

int flight_release(struct flight *f, struct peer *p)
{
	int r = check(f, p);

	if (r)
		return r;
	if (lost(f, p))
		return fenced(f, p);
	/* It lived to say so. */
	store_relaxed(&p->map->slots[f->slot].deaths, 0);
	if (!end(f, p, ctl_with(f->ctl, PHASE_IDLE, 0)))
		return fenced(f, p);
	kill_point(release_flipped);
	peer_count(p, COUNT_releases);
	wake_and_forget(f, p, false, -ECANCELED);
	return 0;
}

void flight_note_death(struct peer *p, uint32_t slot)
{
	struct shm_slot *s = &p->map->slots[slot];

	peer_count(p, COUNT_owner_died);
	if (load_relaxed(&s->deaths) < UINT8_MAX)
		store_relaxed(&s->deaths, load_relaxed(&s->deaths) + 1);
}

bool flight_abandon(struct peer *p, uint32_t slot, uint64_t c)
{
	uint64_t over = ctl_make(slot_gen(p->map, c), 0, PHASE_IDLE, c);

	return cas_seq(&p->map->slots[slot].ctl, c, over);
}

/* A slot in the making: linked, it is a flight like others; else it is free. */
static bool sweep_making(struct peer *v, uint32_t slot, uint64_t c)
{
	struct shm_slot *s = &v->map->slots[slot];
	int in;

	do {
		epoch_enter(v);
		in = load_relaxed(&s->key_len) ? table_contains(v, slot) : 0;
		epoch_leave(v);
	} while (in == -EAGAIN);
	if (in == 1)
		return flight_abandon(v, slot, c);
	/*
	 * Still the dead one's, and in no chain: it never was in one, so only
	 * its reaper can touch it. Else others have taken it further.
	 */
	if (load_seq(&s->ctl) == c)
		slot_unmake(v, slot, c);
	return false;
}

static void sweep_slot(struct peer *v, uint32_t slot, bool died)
{
	struct shm_slot *s = slot_at(v->map, slot);
	bool ended = false;
	uint64_t c;

	if (!s)
		return;
	c = load_seq(&s->ctl);
	if (ctl_owner(c) != v->id)
		return;
	if (ctl_phase(c) == PHASE_MAKING)
		ended = sweep_making(v, slot, c);
	else if (ctl_phase(c) == PHASE_BUSY)
		ended = flight_abandon(v, slot, c);
	else
		flight_yield(v, slot);
	if (ended && died)
		flight_note_death(v, slot);
	event_wake(&s->event, true);
}

static void sweep_claims(struct peer *v, bool died)
{
	struct shm_participant *rec = v->record;

	if (load_relaxed(&rec->claims_lost)) {
		for (uint32_t i = 0; i < slots_used(v->map); i++)
			sweep_slot(v, i, died);
		store_relaxed(&rec->claims_lost, 0);
	}
	for (int i = 0; i < SHM_CLAIMS; i++) {
		uint32_t claim = load_relaxed(&rec->claims[i]);

		if (claim)
			sweep_slot(v, claim - 1, died);
		store_relaxed(&rec->claims[i], 0);
	}
}

/*
 * The tid goes first: from then on everybody sees that the owner is gone,
 * also while the one who sweeps holds the record's mutex.
 */
void flight_sweep(struct peer *v, bool died)
{
	struct shm_participant *rec = v->record;
	uint32_t waited = load_relaxed(&rec->wait_slot);
	struct shm_slot *s = waited ? slot_at(v->map, waited - 1) : NULL;

	store_release(&rec->tid, 0);
	store_release(&rec->epoch, 0);
	pin_sweep(v);
	sweep_claims(v, died);
	if (s)
		event_wake(&s->event, true);
	store_relaxed(&rec->wait_slot, 0);
	if (died)
		peer_count(v, COUNT_reaps);
}
