/* SPDX-License-Identifier: MIT */
/*
 * What must hold, whatever dies:
 *
 *  - a generation of a key has one leader and one valid publish at most;
 *  - a value that anybody sees was announced before, by that generation's
 *    leader, and its publish was not refused;
 *  - a process never sees a key's generation go back; where nobody steals,
 *    nobody leads a generation that is not above all that was seen;
 *  - a call ends within the bound.
 *
 * What one process can judge by itself it tells as TOLD_WRONG: a value that is
 * fresh although its tag was invalidated (common/tags.h), a lock held alone and
 * shared (share.c), a flight of the process that ends twice (detached.c), a
 * thing that sfshm_release_all() left (left.c), work that sfshm_do() ran too
 * often (retry.c).
 *
 * The pipe has an order: a leader announces a value before it publishes, and
 * who saw it tells so afterwards.
 */
#include <stdio.h>
#include <string.h>

#include "common/history.h"
#include "storm.h"

/* A wait that is longer has needed the bounded re-check. */
#define SLICE_NS UINT64_C(75000000)

struct key_told {
	struct history flights, puts;
	uint64_t highest;           /* seen or published validly */
	uint64_t by[STORM_WORKERS]; /* the last that this process saw */
};

static struct key_told keys[STORM_KEYS];

static void violated(struct oracle *o, uint64_t *which, const struct told *t,
		     const char *what)
{
	(*which)++;
	if (o->first[0])
		return;
	snprintf(o->first, sizeof(o->first),
		 "%s: key %u, generation %llu, id %llu, worker %u, outcome %d",
		 what, t->key, (unsigned long long)t->generation,
		 (unsigned long long)t->id, t->worker, t->outcome);
}

static void hear_led(struct oracle *o, struct key_told *k, const struct told *t)
{
	struct publication *p = history_at(&k->flights, t->generation);

	o->led++;
	if (p->led)
		violated(o, &o->two_leaders, t, "two leaders");
	p->led = true;
	if (!key_has_age(t->key) && !key_is_taken(t->key) &&
	    t->generation <= k->highest)
		violated(o, &o->backward, t, "a flight's generation went back");
}

static struct history *history_of(struct key_told *k, const struct told *t)
{
	return t->generation & PUT_MARK ? &k->puts : &k->flights;
}

static void hear_did(struct oracle *o, struct key_told *k, const struct told *t)
{
	struct publication *p;

	if (t->outcome) {
		o->refused++;
		if (history_refuse(history_of(k, t), t->generation))
			violated(o, &o->refused_seen, t,
				 "a value was seen and then refused");
		return;
	}
	o->published++;
	p = history_at(history_of(k, t), t->generation);
	if (p->published)
		violated(o, &o->two_publishes, t, "two valid publishes");
	p->published = true;
	if (!(t->generation & PUT_MARK) && k->highest < t->generation)
		k->highest = t->generation;
}

static void hear_saw(struct oracle *o, struct key_told *k, const struct told *t)
{
	o->seen++;
	o->awaited += t->outcome == 1;
	if (t->as < k->by[t->worker])
		violated(o, &o->backward, t, "what a process saw went back");
	k->by[t->worker] = t->as;
	if (k->highest < t->as)
		k->highest = t->as;
	switch (history_read(history_of(k, t), t->generation, t->id)) {
	case HISTORY_TOO_OLD: o->too_old++; break;
	case HISTORY_EARLY:
		violated(o, &o->early, t, "seen before it was published");
		break;
	case HISTORY_REFUSED:
		violated(o, &o->refused_seen, t, "a refused value was seen");
		break;
	case HISTORY_OTHER:
		violated(o, &o->other_value, t, "another value than announced");
		break;
	default: break;
	}
}

static void hear_wait(struct oracle *o, const struct told *t, uint64_t bound_ns)
{
	if (o->worst_wait_ns < t->ns)
		o->worst_wait_ns = t->ns;
	o->slow_waits += t->ns > SLICE_NS;
	if (t->ns > bound_ns)
		violated(o, &o->over_bound, t, "a call took too long");
}

void oracle_hear(struct oracle *o, const struct told *t, uint64_t bound_ns)
{
	struct key_told *k;

	o->told++;
	if (t->key >= STORM_KEYS || t->worker >= STORM_WORKERS)
		return;
	k = &keys[t->key];
	switch (t->kind) {
	case TOLD_BORN:
		for (uint32_t i = 0; i < STORM_KEYS; i++)
			keys[i].by[t->worker] = 0;
		return;
	case TOLD_LED: hear_led(o, k, t); return;
	case TOLD_WILL:
		if (history_announce(history_of(k, t), t->generation, t->id))
			violated(o, &o->two_leaders, t, "announced twice");
		return;
	case TOLD_DID: hear_did(o, k, t); return;
	case TOLD_SAW: hear_saw(o, k, t); break;
	case TOLD_WRONG:
		violated(o, &o->wrong[(unsigned int)t->outcome % WRONGS], t,
			 "a worker saw what cannot be");
		break;
	default: break;
	}
	hear_wait(o, t, bound_ns);
}

uint64_t oracle_violations(const struct oracle *o)
{
	uint64_t n = o->two_leaders + o->two_publishes + o->early +
		     o->other_value + o->refused_seen + o->backward +
		     o->over_bound;

	for (int i = 0; i < WRONGS; i++)
		n += o->wrong[i];
	return n;
}
