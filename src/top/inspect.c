/* SPDX-License-Identifier: MIT */
/*
 * The calls that read a segment's records through a view. Each value that they
 * read may be damaged, or may change meanwhile.
 */
#include <sfshm/inspect.h>

#include <errno.h>
#include <string.h>

#include <sfshm/flight.h>
#include <sfshm/lock.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "peer/participant.h"
#include "peer/wait.h"
#include "store/arena.h"
#include "store/epoch.h"
#include "store/key.h"
#include "store/sharers.h"
#include "store/slot.h"
#include "sync/flight.h"
#include "sync/save.h"
#include "sync/semaphore.h"
#include "top/handle.h"
#include "top/sized.h"
#include "top/succession.h"
#include "top/view.h"

static_assert((int)SFSHM_KIND_SAVE == (int)SHM_SAVE, "kinds");
static_assert(sizeof(((struct sfshm_slot_info *)0)->file) ==
		      SFSHM_SAVE_PATH_MAX,
	      "paths");

/* A slot that changes during each of this many reads is reported as torn. */
#define TRIES 8

static bool record_alive(const struct mapping *map, struct shm_participant *rec)
{
	uint32_t word;

	return !life_proven_dead(map, rec, &word);
}

/* A note may outlive its flight (store/owned.h). */
static uint32_t flights_of(const struct mapping *map, uint32_t index)
{
	const struct shm_participant *rec = &map->participants[index];
	uint32_t n = 0;

	for (int i = 0; i < SHM_OWNED; i++) {
		uint32_t noted = load_relaxed(&rec->owned[i]);
		const struct shm_slot *s = noted ? slot_at(map, noted - 1) :
						   NULL;

		n += s && (slot_kind(s) == SHM_SEMAPHORE ||
			   ctl_owner(load_seq(&s->ctl)) == index + 1);
	}
	for (int i = 0; i < SHM_SHARED; i++)
		n += load_relaxed(&rec->shared[i]) != 0;
	return n;
}

/*
 * The participant that owns the slot. -1: none does, or `slot` is -1, or the
 * owner is `self`, which waits for the sharers of its own lock.
 */
static int64_t owner_of(const struct mapping *map, int64_t slot, uint32_t self)
{
	const struct shm_slot *s = slot >= 0 ? slot_at(map, (uint32_t)slot) :
					       NULL;
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	int64_t owner = ctl_busy(ctl) ? (int64_t)ctl_owner(ctl) - 1 : -1;

	return owner == (int64_t)self ? -1 : owner;
}

static void fill_participant(const struct mapping *map, uint32_t index,
			     struct shm_participant *rec,
			     struct sfshm_participant_info *info)
{
	uint64_t epoch;
	uint32_t waits;

	info->index = index;
	info->attached = load_acquire(liveness_word(map, rec)) != 0;
	info->alive = info->attached && record_alive(map, rec);
	info->incarnation = life_number(load_relaxed(&rec->incarnation));
	info->pid = load_relaxed(&rec->pid);
	info->tid = load_relaxed(&rec->tid);
	info->pid_ns = load_relaxed(&rec->pid_ns);
	info->flights = flights_of(map, index);
	epoch = load_relaxed(&rec->epoch);
	info->reading = (epoch & EPOCH_ACTIVE) != 0;
	info->expelled = (epoch & EPOCH_EXPELLED) != 0;
	waits = wait_slot(load_relaxed(&rec->wait));
	info->waits_for = waits && info->alive ? (int64_t)waits - 1 : -1;
	info->waits_for_participant = owner_of(map, info->waits_for, index);
	copy_torn(info->name, rec->name, sizeof(info->name));
	info->name[sizeof(info->name) - 1] = '\0';
}

int sfshm_view_participant(struct sfshm_view *v, uint32_t index,
			   struct sfshm_participant_info *info)
{
	struct sfshm_participant_info own = { 0 };
	struct shm_participant *rec;

	if (!v || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	rec = participant_at(&v->map, index);
	if (!rec)
		return -ERANGE;
	fill_participant(&v->map, index, rec, &own);
	sized_write(info, &own, sizeof(own));
	return 0;
}

static enum sfshm_phase phase_of(uint64_t ctl)
{
	switch (ctl_phase(ctl)) {
	case PHASE_MAKING:
	case PHASE_BUSY: return SFSHM_PHASE_BUSY;
	case PHASE_IDLE: return SFSHM_PHASE_IDLE;
	case PHASE_DONE: return SFSHM_PHASE_DONE;
	case PHASE_FAILED: return SFSHM_PHASE_FAILED;
	case PHASE_RETIRED:
	case PHASE_LIMBO: return SFSHM_PHASE_RETIRED;
	default: return SFSHM_PHASE_FREE;
	}
}

static int fill_owner(const struct mapping *map, uint64_t ctl,
		      struct sfshm_slot_info *info)
{
	struct shm_participant *rec;

	info->owner = ctl_owner(ctl);
	if (!info->owner)
		return ctl_busy(ctl) ? -EBADMSG : 0;
	rec = participant_at(map, info->owner - 1);
	if (!rec)
		return -EBADMSG;
	info->owner_pid = load_relaxed(&rec->pid);
	info->owner_tid = load_relaxed(&rec->tid);
	info->owner_alive = record_alive(map, rec);
	return 0;
}

static int64_t ms_between(uint64_t from, uint64_t now)
{
	return now > from ? (int64_t)((now - from) / NS_PER_MS) : 0;
}

/* ms since the slot's flight began or its last leader died; -1: not known. */
static int64_t ms_since_started(const struct shm_desk *cold, uint64_t ctl)
{
	uint64_t now = sys.now();
	uint64_t began =
		started_ns(load_acquire(&cold->started), ctl_gen(ctl), now);

	return began ? ms_between(began, now) : -1;
}

/* Fills in the age of the flight or result, and the rest of the lifetime. */
static void fill_times(const struct mapping *map, uint32_t slot, uint64_t ctl,
		       struct sfshm_slot_info *info)
{
	bool failed = ctl_phase(ctl) == PHASE_FAILED;
	const struct shm_front *f = (failed ? slot_other(map, slot, ctl) :
					      slot_value(map, slot, ctl))
					    .front;
	uint64_t now = sys.boot();
	int64_t age = ms_between(front_stored(f), now);
	uint32_t ttl = load_relaxed(&f->ttl_ms);

	info->age_ms = -1;
	info->ttl_ms = 0;
	if (ctl_busy(ctl))
		info->age_ms = ms_since_started(&map->cold[slot], ctl);
	if (!failed && !ctl_has(ctl))
		return;
	if (!ctl_busy(ctl))
		info->age_ms = age;
	if (ttl == SFSHM_FOREVER)
		info->ttl_ms = -1;
	else if (front_fresh(f, now))
		info->ttl_ms = (int64_t)ttl - age;
	if (!failed && tagging_outdates(map, slot, ctl))
		info->ttl_ms = 0;
}

/* Returns when the participant was last in a call, ns; `now`, if it waits. */
static uint64_t last_active(const struct shm_participant *rec, uint64_t now)
{
	uint64_t at = load_relaxed(&rec->active);

	return at > now || wait_slot(load_relaxed(&rec->wait)) ? now : at;
}

/* The latest last_active() of all threads of the process that has `one`. */
static uint64_t last_active_of_process(const struct mapping *map,
				       const struct shm_participant *one,
				       uint64_t now)
{
	uint64_t cookie = load_relaxed(&one->cookie), last = 0, at;
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++) {
		struct shm_participant *rec = &map->participants[i];

		if (load_relaxed(&rec->cookie) != cookie ||
		    !record_alive(map, rec))
			continue;
		at = last_active(rec, now);
		last = at > last ? at : last;
	}
	return last;
}

/* ms since the flight's live leader was last in a call, or -1. */
static int64_t ms_idle(const struct mapping *map, uint32_t slot, uint64_t ctl,
		       const struct sfshm_slot_info *info)
{
	uint64_t word = load_acquire(&map->cold[slot].started);
	uint64_t now = sys.now(), began, last;
	const struct shm_participant *rec;

	if (!ctl_busy(ctl) || !info->owner_alive ||
	    info->kind == SFSHM_KIND_LOCK || info->kind == SFSHM_KIND_SEMAPHORE)
		return -1;
	began = started_ns(word, ctl_gen(ctl), now);
	rec = participant_at(map, info->owner - 1);
	if (!began || !rec)
		return -1;
	last = started_detached(word, ctl_gen(ctl)) ?
		       last_active_of_process(map, rec, now) :
		       last_active(rec, now);
	return ms_between(last > began ? last : began, now);
}

/* Fills in the rest of the lease, the stale time, the time since a death. */
static void fill_limits(const struct mapping *map, uint32_t slot, uint64_t ctl,
			struct sfshm_slot_info *info)
{
	const struct shm_desk *cold = &map->cold[slot];
	const struct shm_back *value = slot_value(map, slot, ctl).back;
	uint64_t keep = unscale_ms(load_relaxed(&value->keep));
	bool lock = info->kind == SFSHM_KIND_LOCK;
	uint32_t lease = lock ? 0 : load_relaxed(&cold->lease_ms);
	uint32_t rank = lock ? load_relaxed(&cold->lock_rank) : 0;
	int64_t age = ms_since_started(cold, ctl);

	info->lease_ms = -1;
	info->death_ms = -1;
	if (ctl_has(ctl))
		info->stale_ms = keep == UINT64_MAX ? -1 : (int64_t)keep;
	if (ctl_busy(ctl) && rank <= SFSHM_LOCK_RANK_MAX)
		info->rank = rank;
	if (ctl_busy(ctl) && lease && lease < PUT_LEASE && age >= 0)
		info->lease_ms = age < lease ? lease - age : 0;
	if (ctl_phase(ctl) == PHASE_IDLE && info->deaths)
		info->death_ms = age;
	info->owner_died = lock ? (ctl & LOCK_ORPHANED) != 0 : info->deaths > 0;
}

/*
 * Fills in a save's record: the published one, or the note of a writer that is
 * still at work.
 */
static void fill_save(const struct mapping *map, uint32_t slot, uint64_t ctl,
		      struct sfshm_slot_info *info)
{
	bool busy = ctl_busy(ctl);
	const struct shm_back *f =
		(busy ? slot_other(map, slot, ctl) : slot_value(map, slot, ctl))
			.back;
	uint32_t len = load_relaxed(&f->len);
	struct save_record rec;

	if ((!busy && !ctl_has(ctl)) || len > sizeof(rec) ||
	    arena_read(map, load_relaxed(&f->ref), &rec, len) ||
	    !save_parse(&rec, len) || (busy && rec.generation != ctl_gen(ctl)))
		return;
	info->stage = rec.stage;
	info->file_bytes = rec.bytes;
	memcpy(info->file, rec.path, rec.path_len);
}

static void fill_kind(struct mapping *map, uint32_t slot, uint64_t ctl,
		      struct sfshm_slot_info *info)
{
	fill_limits(map, slot, ctl, info);
	info->idle_ms = ms_idle(map, slot, ctl, info);
	if (info->kind == SFSHM_KIND_LOCK)
		info->permits = sharers_count(map, slot);
	else if (info->kind == SFSHM_KIND_SEMAPHORE)
		semaphore_peek(map, slot, &info->permits_max, &info->permits);
	else if (info->kind == SFSHM_KIND_SAVE)
		fill_save(map, slot, ctl, info);
}

static int fill_result(const struct mapping *map, uint32_t slot, uint64_t ctl,
		       struct sfshm_slot_info *info)
{
	struct field value = slot_value(map, slot, ctl);
	const struct shm_back *error = slot_other(map, slot, ctl).back;
	uint64_t took = unscale_took(load_relaxed(&value.back->took));
	uint32_t len;

	info->has_value = ctl_has(ctl);
	info->took_us = -1;
	if (ctl_has(ctl)) {
		if (info->kind == SFSHM_KIND_VALUE && took)
			info->took_us = (int64_t)(took / 1000);
		info->value_bytes = load_relaxed(&value.back->len);
		if (tagging_in(load_relaxed(&value.front->when)))
			info->value_bytes -= sizeof(struct shm_tagging);
		if (info->value_bytes > map->geometry.max_value)
			return -EBADMSG;
	}
	if (ctl_phase(ctl) != PHASE_FAILED)
		return 0;
	info->error_code = load_relaxed(&error->code);
	len = load_relaxed(&error->len);
	if (len >= sizeof(info->error))
		return -EBADMSG;
	if (len && arena_read(map, load_relaxed(&error->ref), info->error, len))
		return -EBADMSG;
	info->error[len] = '\0';
	return 0;
}

/* Fills in all fields but the index, from a slot that may change meanwhile. */
static int fill_slot(struct mapping *map, uint32_t index, uint64_t ctl,
		     struct sfshm_slot_info *info)
{
	const struct shm_slot *s = &map->slots[index];
	int r, n;

	info->phase = phase_of(ctl);
	info->generation = ctl_gen(ctl);
	if (info->phase == SFSHM_PHASE_FREE)
		return 0;
	r = fill_owner(map, ctl, info);
	n = key_load(map, s, info->key);
	/* A slot in the making has no key yet; a retired one may have none. */
	if (n < 0 && (ctl_phase(ctl) == PHASE_MAKING ||
		      info->phase == SFSHM_PHASE_RETIRED))
		n = 0;
	info->key_len = n > 0 ? (uint32_t)n : 0;
	info->waiters = peer_waiters(map, index);
	info->deaths = deaths_count(load_relaxed(&s->deaths));
	info->kind = (enum sfshm_kind)slot_kind(s);
	if (info->kind >= (enum sfshm_kind)SHM_KINDS)
		return -EBADMSG;
	if (info->kind == SFSHM_KIND_LOCK && info->phase == SFSHM_PHASE_DONE)
		info->phase = SFSHM_PHASE_IDLE;
	fill_times(map, index, ctl, info);
	fill_kind(map, index, ctl, info);
	if (!r)
		r = fill_result(map, index, ctl, info);
	return n < 0 ? n : r;
}

/* Fills in *info; sets `torn` if the slot keeps changing. */
static int read_slot(struct mapping *map, uint32_t index, struct shm_slot *s,
		     struct sfshm_slot_info *info)
{
	int r;

	for (int i = 0; i < TRIES; i++) {
		uint64_t ctl = load_seq(&s->ctl);

		memset(info, 0, sizeof(*info));
		info->index = index;
		r = fill_slot(map, index, ctl, info);
		fence_acquire();
		if (load_seq(&s->ctl) == ctl)
			return r;
	}
	info->torn = 1;
	return info->kind < (enum sfshm_kind)SHM_KINDS ? 0 : -EBADMSG;
}

int sfshm_view_slot(struct sfshm_view *v, uint32_t index,
		    struct sfshm_slot_info *info)
{
	struct sfshm_slot_info own;
	struct shm_slot *s;
	int r;

	if (!v || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	s = slot_at(&v->map, index);
	if (!s)
		return -ERANGE;
	r = read_slot(&v->map, index, s, &own);
	sized_write(info, &own, sizeof(own));
	return r;
}

/*
 * Stores the sharers of the lock at a slot. Returns how many there are, or
 * -ENODATA: none.
 */
static int list_sharers(const struct mapping *map, uint32_t slot,
			uint32_t *holders, uint32_t max)
{
	uint32_t used = participants_used(map), n = 0;

	for (uint32_t i = 0; i < used; i++) {
		if (!sharer_word(map, i, slot))
			continue;
		if (n < max)
			holders[n] = i;
		n++;
	}
	return n ? (int)n : -ENODATA;
}

int sfshm_view_permits(struct sfshm_view *v, uint32_t index, uint32_t *holders,
		       uint32_t max)
{
	struct semaphore sem;
	uint32_t n = 0;

	if (!v || (max && !holders))
		return -EINVAL;
	if (!slot_at(&v->map, index))
		return -ERANGE;
	if (slot_kind(slot_at(&v->map, index)) == SHM_LOCK)
		return list_sharers(&v->map, index, holders, max);
	if (!semaphore_at(&v->map, index, &sem))
		return -ENODATA;
	for (uint32_t i = 0; i < SHM_PERMITS; i++) {
		uint32_t who =
			permit_holder(load_acquire(semaphore_word(&sem, i)));

		if (!who)
			continue;
		if (n < max)
			holders[n] = who - 1;
		n++;
	}
	return (int)n;
}

static const struct {
	const char *name, *help;
} counters[] = {
#define COUNTER(name, help) { #name, help },
#include "segment/counters.def"
#undef COUNTER
};

static int read_counter(const struct mapping *map, uint32_t index,
			const char **name, const char **help, uint64_t *value)
{
	uint32_t used;

	if (!name || !help || !value)
		return -EINVAL;
	if (index >= SHM_COUNTERS)
		return -ERANGE;
	*name = counters[index].name;
	*help = counters[index].help;
	*value = 0;
	used = participants_used(map);
	for (uint32_t i = 0; i < used; i++)
		*value += load_relaxed(&map->participants[i].counters[index]);
	return 0;
}

int sfshm_view_counter(struct sfshm_view *v, uint32_t index, const char **name,
		       const char **help, uint64_t *value)
{
	return v ? read_counter(&v->map, index, name, help, value) : -EINVAL;
}

int sfshm_counter(struct sfshm *h, uint32_t index, const char **name,
		  const char **help, uint64_t *value)
{
	struct peer *p;
	int r = handle_enter_newest(h, &p);

	return r ? r : read_counter(p->map, index, name, help, value);
}
