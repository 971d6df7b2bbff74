/* SPDX-License-Identifier: MIT */
/*
 * Coherence. A thread may read a message unless a newer one, or a read of a
 * newer one, happens before its read. So each message has the front of those
 * who wrote or read it, and the walk from the newest message ends at the first
 * that meets what happens before the reader.
 */
#include "weak.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "weak-state.h"

unsigned int (*weak_choose)(unsigned int n);
bool weak_stores_anywhere;

struct thread threads[WEAK_THREADS];

void weak_reset(void)
{
	memset(threads, 0, sizeof(threads));
	words_reset();
	order_reset();
}

uint64_t weak_hash(unsigned int alive)
{
	uint64_t h = words_hash(alive) ^ order_hash();

	for (unsigned int id = 0; id < WEAK_THREADS; id++)
		if (alive >> id & 1)
			h = XXH3_64bits_withSeed(&threads[id],
						 sizeof(threads[id]), h);
	return h;
}

static struct event event_begin(unsigned int id, int order)
{
	struct thread *t = &threads[id];

	if (t->events >= FRONT_NONE - 1)
		give_up("too many steps in one run", NULL);
	t->now.happened[id] = ++t->events;
	return (struct event){
		.thread = t,
		.id = id,
		.order = order,
		.number = t->events,
		.ordered = (uint16_t)(t->ordered + 1),
		.before = t->now.before,
	};
}

static void event_end(const struct event *e)
{
	if (e->order == __ATOMIC_SEQ_CST)
		e->thread->ordered++;
}

static void message_touch(struct message *m, const struct event *e)
{
	if (m->first[e->id] > e->number)
		m->first[e->id] = e->number;
	if (e->order == __ATOMIC_SEQ_CST && m->ordered[e->id] > e->ordered)
		m->ordered[e->id] = e->ordered;
}

/*
 * Choosing.
 */

/*
 * What an event would do to the message it chooses. A conditional update that
 * finds another value than it wishes is a read, in another order.
 */
struct wish {
	enum access access;
	bool conditional;
	int order_fail;
	uint64_t value;
};

static bool fails(const struct wish *w, const struct message *m)
{
	return w->conditional && m->value != w->value;
}

/* Whether the event may pass by all that is newer than `m`. */
static bool fits(struct event e, const struct message *m, const struct wish *w,
		 const struct passed *p)
{
	enum access a = w->access;

	if (fails(w, m)) {
		a = READ;
		e.order = w->order_fail;
	}
	/* Nothing comes between an update and what it read. */
	if (a != READ && (!weak_stores_anywhere || m->extended))
		return false;
	return !clock_meets(sources_at(&e, m, a), p->after);
}

static struct message *choose(const struct event *e, const struct location *l,
			      const struct wish *w)
{
	static struct message *found[MESSAGES];
	struct passed p = { front_empty, front_empty };
	struct message *m = newest_of(l);
	vclock happened = e->thread->now.happened;
	unsigned int n = 0;

	if (!weak_choose)
		return m;
	found[n++] = m;
	while (!clock_meets(happened, m->first)) {
		passed_add(&p, m);
		m = &messages[m->next];
		if (fits(*e, m, w, &p))
			found[n++] = m;
	}
	return found[n > 1 ? weak_choose(n) : 0];
}

/*
 * Reading and writing.
 */

static void read_from(const struct event *e, const struct location *l,
		      struct message *m, enum access a)
{
	struct thread *t = e->thread;
	vclock eco = eco_into(m, a), sources = sources_at(e, m, a);

	absorb(acquires(e->order) ? &t->now : &t->acquirable, &m->sync);
	t->now.eco = clock_join(t->now.eco, eco);
	t->now.before = clock_join(t->now.before, closure(e, eco));
	message_touch(m, e);
	m->read = clock_join(m->read, sources);
	if (a == READ)
		pass_by(l, m, sources);
}

static void insert(struct location *l, struct message *m,
		   struct message *behind)
{
	struct message *n = newest_of(l);

	m->next = index_of(behind);
	if (n == behind) {
		l->newest = index_of(m);
		memcpy(l->at, &m->value, l->size);
		return;
	}
	while (&messages[n->next] != behind)
		n = &messages[n->next];
	n->next = index_of(m);
}

/* `eco` is what comes before the event by WEAK-2. */
static struct message *write_behind(const struct event *e, struct location *l,
				    struct message *behind, vclock eco,
				    uint64_t value)
{
	struct thread *t = e->thread;
	struct message *m = message_new(value);

	t->now.eco = clock_join(t->now.eco, eco);
	m->sync = releases(e->order) ? t->now : t->released;
	if (releases(e->order))
		m->sync.before = e->before;
	t->now.before = clock_join(t->now.before, closure(e, eco));
	message_touch(m, e);
	m->written = clock_join(t->now.fences, closure(e, eco));
	m->older = eco_into(behind, WRITE);
	insert(l, m, behind);
	pass_by(l, m, m->written);
	return m;
}

static uint64_t cut(uint64_t value, unsigned int size)
{
	return size == 8 ? value : value & ((UINT64_C(1) << size * 8) - 1);
}

uint64_t weak_load(unsigned int thread, const void *at, unsigned int size,
		   int order)
{
	struct wish w = { .access = READ };
	struct location *l = location_of(at, size);
	struct event e = event_begin(thread, order);
	struct message *m = choose(&e, l, &w);

	read_from(&e, l, m, READ);
	event_end(&e);
	return m->value;
}

void weak_store(unsigned int thread, void *at, unsigned int size,
		uint64_t value, int order)
{
	struct wish w = { .access = WRITE };
	struct location *l = location_of(at, size);
	struct event e = event_begin(thread, order);
	struct message *m = weak_stores_anywhere ? choose(&e, l, &w) :
						   newest_of(l);

	write_behind(&e, l, m, eco_into(m, WRITE), cut(value, size));
	event_end(&e);
}

/* Replaces what `m` holds, and goes on with its release sequence. */
static void update(const struct event *e, struct location *l, struct message *m,
		   uint64_t value)
{
	struct view sequence = m->sync;
	vclock eco = eco_into(m, UPDATE);

	read_from(e, l, m, UPDATE);
	m->extended = true;
	absorb(&write_behind(e, l, m, eco, cut(value, l->size))->sync,
	       &sequence);
	event_end(e);
}

bool weak_cas(unsigned int thread, void *at, unsigned int size, uint64_t old,
	      uint64_t new, int order, int order_fail, uint64_t *seen)
{
	struct wish w = {
		.access = UPDATE,
		.conditional = true,
		.order_fail = order_fail,
		.value = cut(old, size),
	};
	struct location *l = location_of(at, size);
	struct event e = event_begin(thread, order);
	struct message *m = choose(&e, l, &w);

	if (seen)
		*seen = m->value;
	if (!fails(&w, m)) {
		update(&e, l, m, new);
		return true;
	}
	e.order = order_fail;
	read_from(&e, l, m, READ);
	event_end(&e);
	return false;
}

/* An update that always succeeds: the message that it reads. */
static struct message *update_at(const struct event *e,
				 const struct location *l)
{
	struct wish w = { .access = UPDATE };

	return weak_stores_anywhere ? choose(e, l, &w) : newest_of(l);
}

uint64_t weak_add(unsigned int thread, void *at, unsigned int size,
		  uint64_t operand, int order)
{
	struct location *l = location_of(at, size);
	struct event e = event_begin(thread, order);
	struct message *m = update_at(&e, l);

	update(&e, l, m, m->value + operand);
	return m->value;
}

uint64_t weak_or(unsigned int thread, void *at, unsigned int size,
		 uint64_t operand, int order)
{
	struct location *l = location_of(at, size);
	struct event e = event_begin(thread, order);
	struct message *m = update_at(&e, l);

	update(&e, l, m, m->value | operand);
	return m->value;
}

/*
 * Fences.
 */

void weak_fence(unsigned int thread, int order)
{
	struct event e = event_begin(thread, order);
	struct thread *t = e.thread;

	if (acquires(order))
		absorb(&t->now, &t->acquirable);
	if (order == __ATOMIC_SEQ_CST)
		fence_in_order(&e);
	else if (releases(order))
		t->released = t->now;
}

void weak_join(unsigned int thread, unsigned int other)
{
	absorb(&threads[thread].now, &threads[other].now);
}
