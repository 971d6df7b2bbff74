/* SPDX-License-Identifier: MIT */
#include "sync/deadlock.h"

#include "peer/liveness.h"
#include "peer/wait.h"
#include "store/sharers.h"
#include "sync/move.h"
#include "sync/semaphore.h"

/*
 * How many segments a walk looks at: a segment and its predecessors. Two are
 * usual, because a resize ends before the next one begins; removed segments may
 * add more.
 */
#define MOST_SEGMENTS 4
/* How many forks one way of a walk may have (DEADLOCK-5). */
#define MOST_FORKS 8
/*
 * How often a walk may come to each participant, on average. Without forks once
 * is enough, because the walk then has one way to go.
 */
#define WALK_ROUNDS 4

struct place {
	struct mapping *map;
	uint32_t slot;
};

/* A lock that is held shared, at which the walk has several ways to go. */
struct fork {
	struct place at;
	uint32_t next;  /* the record to look at next */
	uint64_t trace; /* as it was before the walk went on from here */
};

struct graph {
	struct peer *p;
	struct mapping *map[MOST_SEGMENTS]; /* the newest first */
	uint32_t maps;
	uint64_t trace; /* a hash of the words on the walk's way */
	struct fork fork[MOST_FORKS];
	uint32_t forks;
};

struct thread {
	struct mapping *map;
	struct shm_participant *record;
	uint64_t cookie;
	int32_t tid;
};

static void trace(struct graph *g, uint64_t word)
{
	g->trace = (g->trace ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	g->trace ^= g->trace >> 32;
}

/*
 * Finds the same semaphore in the next older segment, where some of its permits
 * may be held.
 */
static bool find_before(struct graph *g, const struct place *at,
			struct semaphore *before)
{
	uint8_t bytes[SFSHM_KEY_MAX];
	struct peer *there;
	uint32_t i = 0;
	struct key k;
	int n, r;

	while (i < g->maps && g->map[i] != at->map)
		i++;
	if (i + 1 >= g->maps)
		return false;
	n = key_load(at->map, &at->map->slots[at->slot], bytes);
	if (n <= 0)
		return false;
	g->p->inside++;
	r = peer_attach(g->map[i + 1], &there);
	g->p->inside--;
	if (r)
		return false;
	k = key_make(there->map, SHM_SEMAPHORE, bytes, (size_t)n);
	return semaphore_find(there, &k, before) == 1;
}

static struct shm_participant *
sole_holder(struct graph *g, const struct place *at, struct mapping **map)
{
	struct semaphore s, before;
	uint64_t sum;
	uint32_t id;

	if (!semaphore_at(at->map, at->slot, &s))
		return NULL;
	if (find_before(g, at, &before))
		s.before = &before;
	if (!semaphore_sole_holder(&s, map, &id, &sum))
		return NULL;
	trace(g, sum);
	return participant_at(*map, id - 1);
}

static void read_thread(struct thread *t, struct mapping *map,
			struct shm_participant *rec)
{
	t->map = map;
	t->record = rec;
	t->cookie = load_acquire(&rec->cookie);
	t->tid = load_acquire(&rec->tid);
}

/*
 * Finds the thread that others wait for at a slot. False: there is none, or it
 * is dead (DEADLOCK-4).
 */
static bool owner_of(struct graph *g, const struct place *at,
		     struct thread *owner)
{
	struct shm_slot *s = slot_at(at->map, at->slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	struct shm_participant *rec;
	struct mapping *map = at->map;
	uint32_t word;

	/* Add the slot, because control words of two slots may be equal. */
	trace(g, ctl);
	trace(g, at->slot);
	if (ctl_busy(ctl) && flight_is_detached(map, at->slot, ctl))
		return false; /* DEADLOCK-6 */
	rec = ctl_busy(ctl) ? participant_at(map, ctl_owner(ctl) - 1) :
			      sole_holder(g, at, &map);
	if (!rec)
		return false;
	read_thread(owner, map, rec);
	return !life_proven_dead(map, rec, &word);
}

static bool is_of_thread(const struct mapping *map, struct shm_participant *rec,
			 const struct thread *t)
{
	uint32_t word;

	return load_acquire(&rec->cookie) == t->cookie &&
	       load_acquire(&rec->tid) == t->tid &&
	       !life_proven_dead(map, rec, &word);
}

/* Finds the thread's record in another segment. */
static struct shm_participant *record_in(const struct mapping *map,
					 const struct thread *t)
{
	uint32_t used = participants_used(map);

	for (uint32_t i = 0; i < used; i++)
		if (is_of_thread(map, &map->participants[i], t))
			return &map->participants[i];
	return NULL;
}

/*
 * Finds the slot that a thread waits for, in any segment. False: it waits for
 * none.
 */
static bool waits_at(struct graph *g, const struct thread *t, struct place *at)
{
	for (uint32_t i = 0; i < g->maps; i++) {
		struct shm_participant *rec = t->record;
		uint64_t wait;

		if (g->map[i] != t->map)
			rec = record_in(g->map[i], t);
		/* ORDER-D2 pairs ORDER-D1 */
		wait = rec ? load_seq(&rec->wait) : 0;
		if (!wait_slot(wait))
			continue;
		trace(g, wait);
		at->map = g->map[i];
		at->slot = wait_slot(wait) - 1;
		return true;
	}
	return false;
}

/*
 * DEADLOCK-5: whether the waiter waits for the sharers of the lock at the slot:
 * the waiter drains the lock, or nobody owns the lock. If so, the walk has a
 * fork there.
 */
static bool forks_here(struct graph *g, const struct place *at,
		       const struct thread *waiter)
{
	struct shm_slot *s = slot_at(at->map, at->slot);
	uint64_t ctl = s ? load_seq(&s->ctl) : 0;
	struct fork *fork = &g->fork[g->forks];

	if (!(ctl & LOCK_SHARED) || slot_kind(s) != SHM_LOCK ||
	    (ctl_busy(ctl) &&
	     participant_at(at->map, ctl_owner(ctl) - 1) != waiter->record))
		return false;
	trace(g, ctl);
	trace(g, at->slot);
	if (g->forks < MOST_FORKS) {
		*fork = (struct fork){ .at = *at, .trace = g->trace };
		g->forks++;
	}
	return true;
}

/* Goes back to the last fork, and from there to another sharer. */
static bool next_sharer(struct graph *g, struct thread *t)
{
	while (g->forks) {
		struct fork *fork = &g->fork[g->forks - 1];
		struct mapping *map = fork->at.map;
		uint32_t used = participants_used(map), i;

		for (i = fork->next; i < used; i++)
			if (sharer_word(map, i, fork->at.slot))
				break;
		fork->next = i + 1;
		if (i < used) {
			g->trace = fork->trace;
			trace(g, i);
			read_thread(t, map, &map->participants[i]);
			return true;
		}
		g->forks--;
	}
	return false;
}

/*
 * Goes from `t` to a thread for which `t` waits at the place. If there is none,
 * or if `t` waits nowhere (`waits` is false), goes back to the last fork.
 * False: the walk is over.
 */
static bool next_thread(struct graph *g, const struct place *at,
			struct thread *t, bool waits)
{
	if (waits && !forks_here(g, at, t) && owner_of(g, at, t))
		return true;
	return next_sharer(g, t);
}

static bool is_self(const struct graph *g, const struct thread *t)
{
	const struct shm_participant *self = g->p->record;

	return t->record == self || (t->cookie == g->p->cookie &&
				     t->tid == load_relaxed(&self->tid));
}

/* Walks the graph once. True: the walk comes back to this thread. */
static bool walk(struct graph *g, uint32_t slot)
{
	struct place at = { g->p->map, slot };
	bool waits = true;
	uint32_t left = 0;
	struct thread t;

	g->trace = 0;
	g->forks = 0;
	for (uint32_t i = 0; i < g->maps; i++)
		left += WALK_ROUNDS * participants_used(g->map[i]);
	read_thread(&t, g->p->map, g->p->record);
	while (left-- && next_thread(g, &at, &t, waits)) {
		if (is_self(g, &t))
			return true;
		waits = waits_at(g, &t, &at);
	}
	return false;
}

bool deadlock_would_be(struct peer *p, struct mapping *newest, uint32_t slot)
{
	struct graph g = { .p = p, .map = { newest }, .maps = 1 };
	struct mapping *map = newest;
	uint64_t once;
	bool found;

	while (unlikely(load_relaxed(&map->predecessor)) &&
	       g.maps < MOST_SEGMENTS && (map = mapping_peek_predecessor(map)))
		g.map[g.maps++] = map;
	/* DEADLOCK-1 */
	found = walk(&g, slot);
	once = g.trace;
	found = found && walk(&g, slot) && g.trace == once;
	/*
	 * The graph has no reference to the newest mapping, to which this
	 * thread is attached.
	 */
	while (--g.maps)
		mapping_put(g.map[g.maps]);
	return found;
}
