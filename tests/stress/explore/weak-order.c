/* SPDX-License-Identifier: MIT */
/*
 * Sequential consistency. C++20 wants one order S of all seq_cst operations and
 * fences, such that A is before B in S if
 *
 *   WEAK-1. A is before B in one thread, or A is before C, which happens before
 *       D, which is before B;
 *   WEAK-2. A, or something that A as a fence happens before, is
 *       coherence-ordered before B, or before something that happens before B
 *       as a fence.
 *
 * Coherence-ordered: a store before those who read it and before newer stores,
 * a read before all stores newer than what it read.
 *
 * All these arrows lead from earlier steps to later ones, except for those that
 * begin at an event which passes newer messages by. So S exists as long as none
 * of these closes a circle. Each event knows the closure of what is before it
 * in S. It may pass a message by unless that closure holds something that would
 * then be after it. When the event does so, what is before it is added to all
 * closures that hold what is now after it.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "weak-state.h"

#define FENCES 2048

/* A seq_cst fence, and what happens before it. */
struct fence {
	vclock happened;
	uint16_t ordered;
};

static struct fence fences[WEAK_THREADS][FENCES];
static uint32_t fence_counts[WEAK_THREADS];
static uint64_t fences_hash;

void order_reset(void)
{
	memset(fence_counts, 0, sizeof(fence_counts));
	fences_hash = 0;
}

uint64_t order_hash(void)
{
	return fences_hash;
}

vclock eco_into(const struct message *m, enum access a)
{
	vclock c = clock_join(m->older, m->written);

	return a == READ ? c : clock_join(c, m->read);
}

vclock closure(const struct event *e, vclock eco)
{
	vclock c = clock_join(e->before, eco);

	if (e->order != __ATOMIC_SEQ_CST)
		return clock_empty;
	c[e->id] = e->ordered;
	return c;
}

vclock sources_at(const struct event *e, const struct message *m, enum access a)
{
	return clock_join(e->thread->now.fences, closure(e, eco_into(m, a)));
}

/* The thread's first seq_cst fence that something of the message is before. */
static uint16_t fence_after(unsigned int id, const struct message *m)
{
	uint32_t low = 0, high = fence_counts[id];

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (clock_meets(fences[id][mid].happened, m->first))
			high = mid;
		else
			low = mid + 1;
	}
	return low < fence_counts[id] ? fences[id][low].ordered : FRONT_NONE;
}

/* The front of what is after, in S, whoever passes the message by. */
static vclock after_passing(const struct message *m)
{
	vclock fenced = front_empty;

	for (unsigned int id = 0; id < WEAK_THREADS; id++)
		if (fence_counts[id])
			fenced[id] = fence_after(id, m);
	return front_join(m->ordered, fenced);
}

void passed_add(struct passed *p, const struct message *m)
{
	p->first = front_join(p->first, m->first);
	p->after = front_join(p->after, after_passing(m));
}

static void extend(vclock *c, const struct passed *p, vclock sources)
{
	if (clock_meets(*c, p->after))
		*c = clock_join(*c, sources);
}

static void view_extend(struct view *v, const struct passed *p, vclock sources)
{
	extend(&v->before, p, sources);
	extend(&v->eco, p, sources);
	extend(&v->fences, p, sources);
	/* They are before each fence yet to come that one of `first` is. */
	if (clock_meets(v->happened, p->first))
		v->eco = clock_join(v->eco, sources);
}

static void extend_all(const struct passed *p, vclock sources)
{
	for (unsigned int id = 0; id < WEAK_THREADS; id++) {
		view_extend(&threads[id].now, p, sources);
		view_extend(&threads[id].acquirable, p, sources);
		view_extend(&threads[id].released, p, sources);
	}
	for (uint32_t i = 1; i < message_count; i++) {
		view_extend(&messages[i].sync, p, sources);
		extend(&messages[i].written, p, sources);
		extend(&messages[i].read, p, sources);
		extend(&messages[i].older, p, sources);
	}
}

void pass_by(const struct location *l, const struct message *m, vclock sources)
{
	struct passed p = { front_empty, front_empty };
	struct message *n = newest_of(l);

	if (n == m || !lanes_any(sources))
		return;
	for (; n != m; n = &messages[n->next]) {
		n->older = clock_join(n->older, sources);
		passed_add(&p, n);
	}
	extend_all(&p, sources);
}

/* Nothing of WEAK-1 leads from the fence itself to who acquires it. */
void fence_in_order(const struct event *e)
{
	struct thread *t = e->thread;
	vclock c = closure(e, t->now.eco);

	if (fence_counts[e->id] >= FENCES)
		give_up("too many fences in one run", NULL);
	fences[e->id][fence_counts[e->id]++] =
		(struct fence){ t->now.happened, e->ordered };
	t->now.fences = clock_join(t->now.fences, c);
	t->released = t->now;
	t->now.before = clock_join(t->now.before, c);
	t->ordered++;
	fences_hash += XXH3_64bits_withSeed(&t->now.happened,
					    sizeof(t->now.happened), e->id);
}
