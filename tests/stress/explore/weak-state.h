/* SPDX-License-Identifier: MIT */
/*
 * The state of the engine of weak memory. The stores of a word ("messages")
 * stand in modification order; sets of events are vector clocks.
 */
#ifndef EXPLORE_WEAK_STATE_H
#define EXPLORE_WEAK_STATE_H

#include "clock.h"

/* What one thread hands to another that synchronises with it. */
struct view {
	vclock happened; /* events that happen before */
	vclock before;   /* WEAK-1: seq_cst events before the next in S */
	vclock eco;      /* WEAK-2: those before the next seq_cst fence */
	vclock fences;   /* seq_cst fences that happen before, closed under S */
};

struct thread {
	struct view now;
	struct view acquirable; /* by an acquire fence */
	struct view released;   /* by a release fence */
	uint16_t events, ordered;
};

/*
 * `sources` are the seq_cst operations that an arrow of WEAK-2 can begin at
 * here, with all before them in S.
 */
struct message {
	struct view sync; /* for who acquires it */
	vclock first;     /* front of the events that wrote or read it */
	vclock ordered;   /* the same of those that are seq_cst */
	vclock written;   /* sources at the store */
	vclock read;      /* sources at its readers */
	vclock older;     /* both, of all older messages */
	uint64_t value;
	uint16_t next; /* older */
	bool extended; /* a read-modify-write has read it */
};

struct location {
	void *at;
	unsigned int size;
	uint16_t newest;
};

/* One step of a thread. */
struct event {
	struct thread *thread;
	unsigned int id;
	int order;
	uint16_t number;
	uint16_t ordered; /* among the thread's seq_cst events, if it is one */
	vclock before;    /* WEAK-1, at its begin */
};

enum access {
	READ,
	WRITE,
	UPDATE,
};

extern struct thread threads[WEAK_THREADS];

#define MESSAGES 16384

/* From index 1 on. */
extern struct message messages[MESSAGES];
extern uint32_t message_count;

void __attribute__((noreturn)) give_up(const char *why, const void *at);

/*
 * Words (weak-words.c).
 */

void words_reset(void);
uint64_t words_hash(unsigned int alive);
struct location *location_of(const void *at, unsigned int size);
struct message *message_new(uint64_t value);

static inline struct message *newest_of(const struct location *l)
{
	return &messages[l->newest];
}

static inline uint16_t index_of(const struct message *m)
{
	return (uint16_t)(m - messages);
}

static inline void absorb(struct view *to, const struct view *from)
{
	to->happened = clock_join(to->happened, from->happened);
	to->before = clock_join(to->before, from->before);
	to->eco = clock_join(to->eco, from->eco);
	to->fences = clock_join(to->fences, from->fences);
}

static inline bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

static inline bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

/*
 * The order S (weak-order.c).
 */

void order_reset(void);
uint64_t order_hash(void);

/*
 * What comes before the event by WEAK-2 if it reads `m`, or writes behind it.
 */
vclock eco_into(const struct message *m, enum access a);

/* A seq_cst event and all before it in S, given what is before it by WEAK-2. */
vclock closure(const struct event *e, vclock eco);

/* What an arrow of WEAK-2 can begin at, if the event reads or writes there. */
vclock sources_at(const struct event *e, const struct message *m,
		  enum access a);

/*
 * The fronts of an event that passes messages by: who wrote or read one of
 * them, and what is after the event in S.
 */
struct passed {
	vclock first;
	vclock after;
};

void passed_add(struct passed *p, const struct message *m);

/* An event with these sources comes before all that is newer than `m`. */
void pass_by(const struct location *l, const struct message *m, vclock sources);

/* A seq_cst fence, after it has acquired. */
void fence_in_order(const struct event *e);

#endif
