/* SPDX-License-Identifier: MIT */
/*
 * The calls that read, through a view, what participants have noted of the
 * past. Each value that they read may be damaged, or may change meanwhile.
 */
#include <sfshm/inspect.h>

#include <errno.h>
#include <string.h>

#include "store/history.h"
#include "store/slot.h"
#include "store/times.h"
#include "top/sized.h"
#include "top/view.h"

static_assert(SFSHM_HISTOGRAM_BUCKETS == SHM_TIMES, "buckets");

static const struct {
	const char *name, *help;
	size_t at; /* in a record */
} histograms[] = {
	{ "work", "the time of each run of the work that published or failed",
	  offsetof(struct shm_participant, worked) },
	{ "wait", "the time of each wait for a flight, a lock or a permit",
	  offsetof(struct shm_participant, waited) },
};

/* Takes the count from the buckets, so that the two always agree. */
static void add_times(struct sfshm_histogram_info *sum,
		      const struct shm_times *t)
{
	sum->sum_ns += load_relaxed(&t->sum);
	for (int i = 0; i < SHM_TIMES; i++) {
		uint64_t n = load_relaxed(&t->count[i]);

		sum->bucket[i] += n;
		sum->count += n;
	}
}

int sfshm_view_histogram(struct sfshm_view *v, uint32_t index,
			 const char **name, const char **help,
			 struct sfshm_histogram_info *info)
{
	struct sfshm_histogram_info own = { .least_ns = TIMES_LEAST_NS };
	uint32_t used;

	if (!v || !name || !help || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	if (index >= sizeof(histograms) / sizeof(histograms[0]))
		return -ERANGE;
	*name = histograms[index].name;
	*help = histograms[index].help;
	used = participants_used(&v->map);
	for (uint32_t i = 0; i < used; i++) {
		const uint8_t *record = (void *)&v->map.participants[i];

		add_times(&own, (const void *)(record + histograms[index].at));
	}
	sized_write(info, &own, sizeof(own));
	return 0;
}

static_assert(SFSHM_EVENTS == SHM_FLIGHTS + SHM_RARE, "places");

static const struct {
	const char *name, *help;
} events[SHM_EVENTS] = {
#define EVENT(name, help) [EVENT_##name] = { #name, help },
#include "segment/events.def"
#undef EVENT
};

/*
 * Copies an entry. False: it is empty, unfinished or overwritten meanwhile, or
 * its number does not belong to its place.
 */
static bool read_entry(const struct shm_event *e, uint32_t place, uint32_t size,
		       struct shm_event *is)
{
	/* ORDER-J3 pairs ORDER-J2 */
	is->number = load_acquire(&e->number);
	is->when = load_relaxed(&e->when);
	is->what = load_relaxed(&e->what);
	is->where = load_relaxed(&e->where);
	is->who = load_relaxed(&e->who);
	/* ORDER-J4 pairs ORDER-J1 */
	fence_acquire();
	return is->number && !(is->number & 1) &&
	       (is->number / 2 - 1) % size == place &&
	       load_relaxed(&e->number) == is->number;
}

/* Fills in the key, if the slot still has one with that hash. */
static void fill_key(const struct mapping *map, struct sfshm_event_info *info)
{
	const struct shm_slot *s = slot_at(map, info->slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	int n = -1;

	if (s && load_relaxed(&s->hash) == info->hash &&
	    load_relaxed(&s->key_tag))
		n = key_load(map, s, info->key);
	fence_acquire();
	if (n <= 0 || ctl_gen(load_seq(&s->ctl)) != ctl_gen(ctl) ||
	    slot_kind(s) >= SHM_KINDS) {
		memset(info->key, 0, sizeof(info->key));
		return;
	}
	info->key_len = (uint32_t)n;
	info->kind = (enum sfshm_kind)slot_kind(s);
}

static void fill_event(const struct shm_event *is, enum shm_event_kind kind,
		       struct sfshm_event_info *info)
{
	uint32_t value = (uint32_t)(is->who >> 32);

	info->number = is->number / 2 - 1;
	info->when_ns = is->when;
	info->generation = is->what & HISTORY_GEN;
	info->awaited = (is->what & HISTORY_AWAITED) != 0;
	info->pid = (int32_t)(uint32_t)is->who;
	info->slot = (uint32_t)is->where;
	info->hash = (uint32_t)(is->where >> 32);
	if (!info->rare)
		info->took_ns = (uint64_t)value << HISTORY_UNIT;
	else if (kind == EVENT_evicted)
		info->keys = value;
	else
		info->other_pid = (int32_t)value;
}

int sfshm_view_event(struct sfshm_view *v, uint32_t index, uint32_t place,
		     const char **name, const char **help,
		     struct sfshm_event_info *info)
{
	struct sfshm_event_info own = { .participant = index };
	const struct shm_participant *rec;
	struct shm_event is;
	uint64_t kind;
	uint64_t noted;
	bool whole;

	if (!v || !name || !help || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	rec = participant_at(&v->map, index);
	if (!rec || place >= SFSHM_EVENTS)
		return -ERANGE;
	own.rare = place >= SHM_FLIGHTS;
	whole = own.rare ? read_entry(&rec->rare[place - SHM_FLIGHTS],
				      place - SHM_FLIGHTS, SHM_RARE, &is) :
			   read_entry(&rec->flights[place], place, SHM_FLIGHTS,
				      &is);
	kind = is.what >> HISTORY_KIND;
	/* A thread raises its count of events before it writes an event's
	   number, so a number above the count is damaged. */
	noted = load_relaxed(own.rare ? &rec->rare_noted : &rec->flights_noted);
	if (!whole || is.number / 2 > noted || kind >= SHM_EVENTS ||
	    !events[kind].name)
		return -ENODATA;
	*name = events[kind].name;
	*help = events[kind].help;
	fill_event(&is, (enum shm_event_kind)kind, &own);
	fill_key(&v->map, &own);
	sized_write(info, &own, sizeof(own));
	return 0;
}
