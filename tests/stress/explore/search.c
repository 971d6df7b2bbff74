/* SPDX-License-Identifier: MIT */
#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "oracle.h"
#include "scenario.h"
#include "seen.h"
#include "sharing.h"
#include "world.h"

/* Plans that are still to be tried. */
static struct plan *pending;
static size_t pending_count, pending_room;

struct running {
	struct search *search;
	const struct plan *plan;
	unsigned int roles;
};

static void push(const struct plan *p)
{
	if (pending_count == pending_room) {
		pending_room = pending_room ? 2 * pending_room : 1024;
		pending = realloc(pending, pending_room * sizeof(*pending));
		if (!pending) {
			fprintf(stderr, "explore: no memory for plans\n");
			exit(2);
		}
	}
	pending[pending_count++] = *p;
}

static bool at_decision(const struct choices *c, void *arg)
{
	struct running *r = arg;
	struct search *s = r->search;
	unsigned int left = s->budget - r->plan->cost;

	if (!seen_add(world_hash(r->roles) + c->kind, left, &s->states))
		return false;
	for (unsigned int i = c->count; i-- > 0;) {
		struct plan next = *r->plan;

		if (c->cost[i] > left)
			continue;
		if (next.count == MOST_DEVIATIONS) {
			s->given_up++;
			continue;
		}
		next.holds_up = c->holds_up[i];
		next.use = c->use;
		next.at[next.count++] = c->option[i];
		next.cost += c->cost[i];
		push(&next);
	}
	return true;
}

/* Whether a plan's last deviation can matter: it may only hold a fiber up. */
static bool worth_a_run(const struct plan *p)
{
	/* In the weak mode what a step conflicts with is not only its word. */
	return !p->holds_up || memory_weak ||
	       absence_worth(p->count - 1u, p->at[p->count - 1].which, &p->use);
}

static bool still_fails(struct search *s, const struct plan *p)
{
	return schedule_run(s->scenario, p, NULL, NULL) == VERDICT_FAILED;
}

/* Removes the deviations that the failure does not need, the last first. */
static void shrink(struct search *s)
{
	struct plan *p = &s->failed;

	for (unsigned int i = p->count; i-- > 0;) {
		struct plan less = *p;

		memmove(&less.at[i], &less.at[i + 1],
			(less.count - i - 1) * sizeof(less.at[0]));
		less.count--;
		if (still_fails(s, &less))
			*p = less;
	}
	still_fails(s, p);
}

static unsigned int roles_of(const struct scenario *s)
{
	unsigned int n = 0;

	while (n < 4 && s->role[n].name)
		n++;
	return n;
}

/* All plans from the start; true: one of them fails, it is in `failed`. */
static bool try_all(struct search *s)
{
	struct running r = {
		.search = s,
		.roles = roles_of(s->scenario),
	};
	struct plan plan = { .count = 0 };
	uint64_t runs = 0;

	s->states = 0;
	seen_forget();
	absence_forget();
	pending_count = 0;
	push(&plan);
	while (pending_count && (!s->most_runs || runs < s->most_runs)) {
		plan = pending[--pending_count];
		if (!worth_a_run(&plan))
			continue;
		runs++;
		r.plan = &plan;
		absence_new_family(plan.count);
		if (schedule_run(s->scenario, &plan, at_decision, &r) !=
		    VERDICT_FAILED)
			continue;
		s->failed = plan;
		return true;
	}
	return false;
}

bool search_run(struct search *s)
{
	bool failed;

	/* Another word that is shared makes more choices. */
	do {
		failed = try_all(s);
	} while (!failed && sharing_has_grown());
	s->complete = !failed && !pending_count && !s->given_up;
	if (!failed)
		return false;
	shrink(s);
	snprintf(s->failure, sizeof(s->failure), "%s", oracle_failure);
	return true;
}
