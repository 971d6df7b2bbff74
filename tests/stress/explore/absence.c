/* SPDX-License-Identifier: MIT */
#include "absence.h"

#include <stdlib.h>
#include <string.h>

#include "schedule.h"
#include "sharing.h"
#include "world.h"

#define WORDS 512 /* shared ones, numbered as they are met */
#define BITS 64
#define STATES (1u << 18)

/* All that others ever did while a fiber was away, by that fiber's state. */
struct meanwhile {
	uint64_t state; /* hash; 0: nothing here */
	bool killed;
	uint64_t used[WORDS / BITS], written[WORDS / BITS];
};

static struct meanwhile *table;
static size_t table_used;

/* By depth and favoured fiber: the step before which one was last held up. */
struct chain {
	bool known;
	uint32_t before; /* the decision before that: `seen` judges it */
	struct meanwhile *seen;
};

static struct chain chains[MOST_DEVIATIONS][FIBERS];

struct away {
	struct meanwhile *seen;
	unsigned int fiber;
};

static struct away aways[MOST_DEVIATIONS];
static unsigned int away_count;

void absence_forget(void)
{
	free(table);
	table = calloc(STATES, sizeof(*table));
	table_used = 0;
	memset(chains, 0, sizeof(chains));
}

/* NULL where there is no room: then all is tried. */
static struct meanwhile *find(uint64_t state)
{
	size_t i = state & (STATES - 1);

	state |= 1;
	while (table && table[i].state && table[i].state != state)
		i = (i + 1) & (STATES - 1);
	if (!table)
		return NULL;
	if (!table[i].state) {
		if (table_used >= STATES / 2)
			return NULL;
		table_used++;
		table[i].state = state;
	}
	return &table[i];
}

void absence_new_family(unsigned int depth)
{
	if (depth >= MOST_DEVIATIONS)
		return;
	for (int i = 0; i < FIBERS; i++)
		chains[depth][i].known = false;
}

static bool conflicts(const struct meanwhile *m, const struct step_use *use)
{
	unsigned int n;

	if (!m || use->word < 0 || (m->killed && use->writes))
		return true;
	n = sharing_number((size_t)use->word);
	if (n >= WORDS)
		return true;
	return (use->writes ? m->used : m->written)[n / BITS] >> (n % BITS) & 1;
}

bool absence_worth(unsigned int depth, unsigned int favoured,
		   const struct step_use *use)
{
	struct chain *c = &chains[depth][favoured];
	bool worth = !c->known || c->before != use->step ||
		     conflicts(c->seen, use);

	if (worth)
		c->seen = NULL;
	c->known = true;
	c->before = use->before;
	return worth;
}

void absence_new_run(void)
{
	away_count = 0;
}

void absence_begin(unsigned int depth, unsigned int favoured,
		   unsigned int fiber)
{
	struct chain *c = &chains[depth][favoured];

	c->seen = find(fiber_hash(fiber) + fiber);
	if (c->seen)
		aways[away_count++] = (struct away){ c->seen, fiber };
}

void absence_end(unsigned int fiber)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < away_count; i++)
		if (aways[i].fiber != fiber)
			aways[n++] = aways[i];
	away_count = n;
}

void absence_killed(unsigned int fiber)
{
	for (unsigned int i = 0; i < away_count; i++)
		if (aways[i].fiber == fiber)
			aways[i].seen->killed = true;
}

void absence_note(const void *at, bool writes)
{
	uint32_t word = sharing_word(at);
	unsigned int n;

	if (!away_count || word == SHARING_WORDS)
		return;
	n = sharing_number(word);
	if (n >= WORDS)
		return;
	for (unsigned int i = 0; i < away_count; i++) {
		struct meanwhile *m = aways[i].seen;

		m->used[n / BITS] |= UINT64_C(1) << (n % BITS);
		if (writes)
			m->written[n / BITS] |= UINT64_C(1) << (n % BITS);
	}
}
