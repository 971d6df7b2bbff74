/* SPDX-License-Identifier: MIT */
/*
 * Checks the invariants: each chain is sound (TABLE-1 to TABLE-3), each slot is
 * in the state that its control word says, each granule has one owner that can
 * be found (ARENA-2 to ARENA-4), no tag word is ahead of the tag clock
 * (TAGGING-1).
 */
#include <sfshm/inspect.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/flight.h>
#include <sfshm/semaphore.h>

#include "os/sys.h"
#include "peer/liveness.h"
#include "segment/fingerprint.h"
#include "store/sharers.h"
#include "sync/semaphore.h"
#include "top/handle.h"

/*
 * The most rounds of the check. In a busy segment a round may have false
 * findings, so a round without findings ends the check, and only the findings
 * of the last round are reported.
 */
#define ROUNDS 5
/* The most findings that are reported; the others are only counted. */
#define MOST_LINES 1000

struct check {
	struct peer *p;
	struct mapping *map;
	uint8_t *linked;  /* per slot: in a chain */
	uint8_t *reached; /* per granule: it has an owner */
	char *lines[MOST_LINES];
	int found, kept;
};

static void finding(struct check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void finding(struct check *c, const char *format, ...)
{
	char *line = NULL;
	va_list args;

	if (c->found++ >= MOST_LINES)
		return;
	va_start(args, format);
	if (vasprintf(&line, format, args) >= 0)
		c->lines[c->kept++] = line;
	va_end(args);
}

static void forget_findings(struct check *c)
{
	while (c->kept)
		free(c->lines[--c->kept]);
	c->found = 0;
	memset(c->linked, 0, c->map->geometry.slots);
	memset(c->reached, 0, c->map->geometry.granules);
}

/* Checks one slot of a bucket's chain. Returns the slot's link to the next. */
static uint64_t check_link(struct check *c, uint32_t bucket, uint32_t slot,
			   const struct shm_slot *before)
{
	struct shm_slot *s = &c->map->slots[slot];
	uint64_t next = load_acquire(&s->next);
	enum phase phase = ctl_phase(load_seq(&s->ctl));
	uint8_t key[SFSHM_KEY_MAX];
	int n = key_load(c->map, s, key);
	struct key k;

	if (c->linked[slot]++) {
		finding(c, "slot %u is in its chain twice", slot);
		return 0;
	}
	if (phase == PHASE_FREE || phase == PHASE_LIMBO)
		finding(c, "slot %u is in a chain, though it is out of use",
			slot);
	if (n < 0) {
		finding(c, "slot %u has no readable key", slot);
		return next;
	}
	k = key_make(c->map, slot_kind(s), key, (size_t)n);
	if (bucket_index(c->map, k.hash) != bucket ||
	    key_order(&k) != load_relaxed(&s->hash))
		finding(c, "slot %u is in another key's bucket", slot);
	if (before && key_compare(c->map, &k, before) <= 0)
		finding(c, "slot %u is out of order in its chain", slot);
	return next;
}

static void check_bucket(struct check *c, uint32_t bucket)
{
	uint64_t link = load_acquire(&c->map->buckets[bucket]);
	struct shm_slot *before = NULL;
	uint32_t left = c->map->geometry.slots + 1;

	while (link_index(link)) {
		uint32_t slot = link_index(link) - 1;

		if (!slot_at(c->map, slot) || !left--) {
			finding(c, "bucket %u: its chain is broken", bucket);
			return;
		}
		link = check_link(c, bucket, slot, before);
		before = &c->map->slots[slot];
	}
}

/* Checks the chain of granules that holds a slot's key or result. */
static void check_chain(struct check *c, uint32_t slot, uint32_t ref,
			uint32_t len, const char *what)
{
	uint32_t want = granules_for(len), got = 0;
	uint32_t run = (ref & SHM_RUN) ? arena_head(ref) : 0;

	ref = arena_is_live(c->map, slot, ref) ? arena_head(ref) : 0;
	while (ref) {
		uint64_t *tag = tag_at(c->map, ref);

		if (!tag || got++ > want) {
			finding(c, "slot %u: the %s's chain is broken", slot,
				what);
			return;
		}
		if (!tag_names(load_acquire(tag), tag_live(slot, 0)))
			finding(c,
				"slot %u does not own granule %u, which is in "
				"its chain",
				slot, ref - 1);
		if (c->reached[ref - 1]++)
			finding(c, "granule %u has two owners", ref - 1);
		if (run && ref != run + got - 1)
			finding(c, "slot %u: the %s is not one run", slot,
				what);
		ref = tag_next(load_relaxed(tag));
	}
	if (run && (got == 1 || run <= c->map->inline_granules))
		finding(c, "slot %u: the %s cannot be a run", slot, what);
	if (got && got != want)
		finding(c, "slot %u: the %s of %u bytes has %u granules", slot,
			what, len, got);
}

static bool is_noted(const struct shm_participant *rec, uint32_t slot)
{
	for (int i = 0; i < SHM_OWNED; i++)
		if (load_relaxed(&rec->owned[i]) == slot + 1)
			return true;
	return load_relaxed(&rec->owned_overflow) != 0;
}

static void check_owner(struct check *c, uint32_t slot, uint64_t ctl)
{
	struct shm_participant *rec;

	if (!ctl_owner(ctl)) {
		if (ctl_busy(ctl))
			finding(c, "slot %u is busy and has no owner", slot);
		return;
	}
	rec = participant_at(c->map, ctl_owner(ctl) - 1);
	if (!rec || !life_held(c->map, rec))
		finding(c,
			"slot %u belongs to participant %u, which is "
			"not attached",
			slot, ctl_owner(ctl) - 1);
	else if (!is_noted(rec, slot))
		finding(c, "slot %u is not noted in its owner's record", slot);
	if (ctl_at_rest(ctl))
		finding(c, "slot %u is at rest and has an owner", slot);
}

/* Checks the head of a value with tags (TAGGING-1, TAGGING-2). */
static void check_tagging(struct check *c, uint32_t slot, struct field f)
{
	struct shm_tagging t;

	if (load_relaxed(&f.back->len) < sizeof(t) ||
	    tagging_read(c->map, load_relaxed(&f.back->ref), &t) || !t.tag[0] ||
	    t.stamp > tagging_clock(c->map))
		finding(c, "slot %u: its value's tags are damaged", slot);
}

/* Checks that the front part of a result agrees with its back part. */
static void check_front(struct check *c, uint32_t slot, struct field f)
{
	uint64_t small = load_relaxed(&f.front->when) & WHEN_SMALL;
	uint64_t len = load_relaxed(&f.back->len);

	if (small == WHEN_TAGGED) {
		check_tagging(c, slot, f);
		return;
	}
	if (small && (len != small - 1 ||
		      (len && !arena_is_inline(c->map, slot,
					       load_relaxed(&f.back->ref)))))
		finding(c,
			"slot %u: its two parts disagree on where "
			"its result is",
			slot);
}

/*
 * Checks that each reference in use leads to memory that the slot owns. A lock
 * has no result: CTL_FAILED means LOCK_SHARED in its control word, and the
 * lengths in its slot are left over from the key that had the slot before.
 */
static void check_refs(struct check *c, uint32_t slot, uint64_t ctl)
{
	struct shm_slot *s = &c->map->slots[slot];
	const struct shm_back *cur = slot_value(c->map, slot, ctl).back;
	const struct shm_back *other = slot_other(c->map, slot, ctl).back;

	if (ctl_has(ctl) && load_relaxed(&cur->len) &&
	    !arena_is_live(c->map, slot, load_relaxed(&cur->ref)))
		finding(c, "slot %u has a value without memory", slot);
	if (slot_kind(s) != SHM_LOCK && ctl_failed(ctl) &&
	    load_relaxed(&other->len) &&
	    !arena_is_live(c->map, slot, load_relaxed(&other->ref)))
		finding(c, "slot %u has a message without memory", slot);
	if (ctl_has(ctl))
		check_front(c, slot, slot_value(c->map, slot, ctl));
	if (!slot_key_len(s))
		finding(c, "slot %u is in use and has no key", slot);
	if (slot_key_len(s) > SHM_INLINE_KEY &&
	    !arena_is_live(c->map, slot, load_relaxed(key_ref(s))))
		finding(c, "slot %u has a key without memory", slot);
	if (ctl_phase(ctl) == PHASE_FAILED && !ctl_failed(ctl))
		finding(c, "slot %u is marked as failed, and has no failure",
			slot);
	if (ctl_phase(ctl) == PHASE_DONE && !ctl_has(ctl) &&
	    slot_kind(s) != SHM_LOCK)
		finding(c, "slot %u is done and has no value", slot);
	if (slot_kind(s) == SHM_LOCK &&
	    (ctl_has(ctl) || ctl_phase(ctl) == PHASE_FAILED))
		finding(c, "slot %u is a lock and has a result", slot);
}

/*
 * Checks that a held permit has a holder that is alive and has noted the slot
 * (SEMAPHORE-1, SEMAPHORE-4).
 */
static void check_permit(struct check *c, const struct semaphore *s, uint32_t i)
{
	uint32_t word = load_seq(semaphore_word(s, i));
	uint32_t id = permit_holder(word);
	struct shm_participant *rec = participant_at(c->map, id - 1);

	if (!word)
		return;
	if (i >= semaphore_top(s))
		finding(c,
			"slot %u: permit %u is held, though it was "
			"never given out",
			s->slot, i);
	if (!rec || !life_held(c->map, rec) ||
	    permit_name(id, life_number(load_relaxed(&rec->incarnation))) !=
		    (word & ~PERMIT_DETACHED))
		finding(c,
			"slot %u: permit %u belongs to participant "
			"%d, which is not attached",
			s->slot, i, (int)id - 1);
	else if (!is_noted(rec, s->slot))
		finding(c,
			"slot %u: permit %u is not noted in its "
			"holder's record",
			s->slot, i);
}

static void check_semaphore(struct check *c, uint32_t slot, uint64_t ctl)
{
	struct semaphore s;
	uint64_t max;

	if (!ctl_has(ctl))
		return;
	if (!semaphore_at(c->map, slot, &s)) {
		finding(c, "slot %u: its permits are damaged", slot);
		return;
	}
	max = load_seq(&semaphore_head(&s)->max) & SEMAPHORE_MAX;
	if (!max || max > SFSHM_PERMITS_MAX ||
	    load_seq(&semaphore_head(&s)->top) > SFSHM_PERMITS_MAX)
		finding(c,
			"slot %u: its semaphore's maximum %u or top %u is out "
			"of range",
			slot, (uint32_t)max,
			load_seq(&semaphore_head(&s)->top));
	for (uint32_t i = 0; i < SHM_PERMITS; i++)
		check_permit(c, &s, i);
}

static void check_slot(struct check *c, uint32_t slot)
{
	struct shm_slot *s = &c->map->slots[slot];
	uint64_t ctl = load_seq(&s->ctl);
	enum phase phase = ctl_phase(ctl);

	check_owner(c, slot, ctl);
	if (ctl_at_rest(ctl) || phase == PHASE_BUSY)
		check_refs(c, slot, ctl);
	if ((ctl_at_rest(ctl) || phase == PHASE_BUSY) && !c->linked[slot])
		finding(c, "slot %u has a key and is in no chain", slot);
	if (ctl_at_rest(ctl) && load_acquire(&s->next) & LINK_MARK)
		finding(c,
			"slot %u is marked as out of its chain, "
			"though it is in use",
			slot);
	if (phase == PHASE_LIMBO && !ctl_owner(ctl) &&
	    !(load_acquire(&c->map->cold[slot].started) & STARTED_STAMP))
		finding(c, "slot %u has no stamp, so nobody can reuse it",
			slot);
	if (ctl_at_rest(ctl) && slot_kind(s) == SHM_SEMAPHORE)
		check_semaphore(c, slot, ctl);
	for (int i = 0; i < 2; i++)
		check_chain(c, slot,
			    load_relaxed(&c->map->cold[slot].back[i].ref),
			    load_relaxed(&c->map->cold[slot].back[i].len),
			    "result");
	if (slot_key_len(s) > SHM_INLINE_KEY)
		check_chain(c, slot, load_relaxed(key_ref(s)), slot_key_len(s),
			    "key");
}

/* Marks a chain as reached, because a living participant uses it. */
static void reach_built(struct check *c, uint32_t ref)
{
	uint32_t left = c->map->geometry.granules;
	uint64_t *tag;

	while ((tag = tag_at(c->map, ref)) && left--) {
		c->reached[ref - 1] = 1;
		ref = tag_next(load_relaxed(tag));
	}
}

static void check_participant(struct check *c, uint32_t i)
{
	struct shm_participant *rec = &c->map->participants[i];

	if (!mutex_prepare(&rec->mutex))
		finding(c, "participant %u's mutex is damaged", i);
	if (load_relaxed(&rec->relay))
		finding(c, "participant %u's relay word is not 0", i);
	if (!life_held(c->map, rec)) {
		for (int n = 0; n < SHM_OWNED; n++) {
			uint32_t noted = load_relaxed(&rec->owned[n]);

			if (noted)
				finding(c,
					"participant %u is gone, though its "
					"record notes slot %u",
					i, noted - 1);
		}
		if (sharer_holds_any(rec))
			finding(c,
				"participant %u is gone, though its record "
				"names a lock that it holds shared",
				i);
		return;
	}
	reach_built(c, load_relaxed(&rec->build));
	reach_built(c, load_relaxed(&rec->build_pending));
	reach_built(c, load_relaxed(&rec->doomed));
	reach_built(c, load_relaxed(&rec->doomed_pending));
	for (int n = 0; n < SHM_PINS; n++) {
		uint32_t ref = load_relaxed(&rec->pins[n]);

		if (arena_orphan_tag(c->map, ref))
			reach_built(c, ref);
	}
}

static void check_granules(struct check *c)
{
	for (uint32_t i = 0; i < c->map->geometry.granules; i++) {
		uint64_t tag = granule_in_use(c->map, i) ?
				       load_acquire(&c->map->tags[i]) :
				       0;

		if (tag && !c->reached[i])
			finding(c, "granule %u is leaked (tag %016llx)", i,
				(unsigned long long)tag);
	}
}

/* Reaps the dead and unlinks retired slots, so that only stuck ones remain. */
static void reap_and_unlink(struct check *c)
{
	uint32_t used = slots_used(c->map);

	peer_examine_all(c->map);
	peer_reap_all(c->map);
	for (uint32_t i = 0; i < used; i++) {
		uint64_t ctl = load_seq(&c->map->slots[i].ctl);

		if (ctl_phase(ctl) == PHASE_RETIRED)
			slot_unlink(c->p, i, ctl);
	}
}

static void check_marks(struct check *c)
{
	const struct shm_header *h = c->map->header;
	const struct shm_geometry *g = &c->map->geometry;

	if (load_relaxed(&h->relay))
		finding(c, "the segment's relay word is not 0");
	if (load_relaxed(&h->slots_used) > g->slots ||
	    load_relaxed(&h->granules_used) >
		    g->granules - c->map->inline_granules ||
	    load_relaxed(&h->participants_used) > g->participants)
		finding(c, "the header counts more slots, granules or "
			   "participants in use than there are");
	for (uint32_t i = 0; i < SHM_TAG_WORDS; i++) {
		uint64_t word = load_acquire(&c->map->tag_words[i]);

		/* The clock only grows, so it is read after the word. */
		if (word && word > tagging_clock(c->map))
			finding(c, "tag word %u is ahead of the tag clock", i);
	}
}

static void check_all(struct check *c)
{
	forget_findings(c);
	check_marks(c);
	reap_and_unlink(c);
	for (uint32_t i = 0; i < c->map->geometry.buckets; i++)
		check_bucket(c, i);
	for (uint32_t i = 0; i < slots_used(c->map); i++)
		check_slot(c, i);
	for (uint32_t i = 0; i < participants_used(c->map); i++)
		check_participant(c, i);
	check_granules(c);
}

int sfshm_verify(struct sfshm *handle, sfshm_finding_fn report, void *arg)
{
	struct check c;
	int r;

	memset(&c, 0, sizeof(c));
	r = handle_enter(handle, &c.p);
	if (!r && handle_moved(c.p->map))
		r = handle_follow(handle, &c.p);
	if (r)
		return r;
	c.map = c.p->map;
	c.linked = calloc(1, c.map->geometry.slots);
	c.reached = calloc(1, c.map->geometry.granules);
	if (!c.linked || !c.reached) {
		r = -ENOMEM;
		goto out;
	}
	for (int i = 0; i < ROUNDS && (i == 0 || c.found); i++)
		check_all(&c);
	for (int i = 0; report && i < c.kept; i++)
		report(c.lines[i], arg);
	r = c.found;
	forget_findings(&c);
out:
	free(c.linked);
	free(c.reached);
	return r;
}
