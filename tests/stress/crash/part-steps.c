/* SPDX-License-Identifier: MIT */
/* Prints the tables of one death, and of two deaths, at every instruction. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "every.h"
#include "parts.h"

static const struct scenario *const groups[] = {
	flight_scenarios,  moved_scenarios, beside_scenarios,
	queue_scenarios,   put_scenarios,   store_scenarios,
	life_scenarios,    lock_scenarios,  semaphore_scenarios,
	save_scenarios,    tag_scenarios,   release_scenarios,
	process_scenarios,
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/*
 * The operations of first victims: after a death at each state of these, a
 * second victim dies.
 */
static const char *const firsts[] = {
	"begin: new long key",   "publish: large, in another size's place",
	"evict: slots are full", "publish over what somebody pins",
	"take over a refresh",
};
#define FIRSTS (sizeof(firsts) / sizeof(firsts[0]))

struct job {
	const struct scenario *sc, *second;
	struct effort effort;
	struct tally tally;
};

static void do_job(void *arg)
{
	struct job *j = arg;

	if (j->second)
		every_two_deaths(j->sc, j->second, &j->effort, &j->tally);
	else
		every_instruction(j->sc, &j->effort, &j->tally);
}

static void print_head(void)
{
	printf("%-48s %7s %7s %7s %6s %6s %7s %9s\n", "operation", "instr",
	       "states", "copies", "kills", "stuck", "leaked", "worst ms");
}

static int print_row(const char *name, const struct tally *t)
{
	progress_end();
	printf("%-48s %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %6" PRIu64
	       " %6" PRIu64 " %7" PRIu64 " %9.2f\n",
	       name, t->instructions, t->states, t->trials, t->kills, t->stuck,
	       t->leaked, (double)t->worst_ns / 1e6);
	if (t->why[0])
		printf("    %s\n", t->why);
	fflush(stdout);
	return t->stuck || t->leaked || t->broken;
}

static void add(struct tally *sum, const struct tally *t)
{
	sum->instructions += t->instructions;
	sum->states += t->states;
	sum->trials += t->trials;
	sum->kills += t->kills;
	sum->stuck += t->stuck;
	sum->leaked += t->leaked;
	sum->broken += t->broken;
	if (sum->worst_ns < t->worst_ns)
		sum->worst_ns = t->worst_ns;
}

static int run_job(const struct job *wanted, const char *name,
		   struct tally *sum)
{
	struct job *j = shared_memory(sizeof(*j));
	int bad;

	*j = *wanted;
	if (!run_apart(do_job, j)) {
		j->tally.stuck++;
		if (!j->tally.why[0])
			snprintf(j->tally.why, sizeof(j->tally.why),
				 "%s: the harness hung or crashed", name);
	}
	bad = print_row(name, &j->tally);
	add(sum, &j->tally);
	munmap(j, sizeof(*j));
	return bad;
}

static bool chosen(const struct options *opt, const char *name)
{
	return !opt->only || strstr(name, opt->only);
}

static uint32_t how_many(const struct options *opt)
{
	uint32_t n = 0;

	for (size_t g = 0; g < GROUPS; g++)
		for (const struct scenario *sc = groups[g]; sc->name; sc++)
			n += chosen(opt, sc->name);
	return n;
}

/* The time that is left is shared out among what is left to do. */
static uint64_t fair_share(const struct options *opt, uint32_t left)
{
	uint64_t now = clock_ns();

	if (!opt->deadline_ns)
		return 0;
	return opt->deadline_ns > now ? now + (opt->deadline_ns - now) / left :
					now;
}

int part_steps(const struct options *opt)
{
	struct tally sum = { 0 };
	uint32_t left = how_many(opt);
	int bad = 0;

	printf("death at every instruction\n");
	print_head();
	for (size_t g = 0; g < GROUPS; g++) {
		for (const struct scenario *sc = groups[g]; sc->name; sc++) {
			struct job j = { .sc = sc };

			if (!chosen(opt, sc->name))
				continue;
			j.effort.copies_every = opt->full ? 1 : 5;
			j.effort.both = opt->full;
			j.effort.kills = opt->full ? UINT32_MAX : 6;
			j.effort.steps = opt->full ? 2000000 : 20000;
			/* There are only real deaths. */
			if (sc->flags & NO_COPIES)
				j.effort.steps *= 5;
			j.effort.until_ns = fair_share(opt, left--);
			bad += run_job(&j, sc->name, &sum);
		}
	}
	print_row("all", &sum);
	return bad;
}

static const struct scenario *find(const char *name)
{
	for (size_t g = 0; g < GROUPS; g++)
		for (const struct scenario *sc = groups[g]; sc->name; sc++)
			if (!strcmp(sc->name, name))
				return sc;
	return NULL;
}

int part_double(const struct options *opt)
{
	struct tally sum = { 0 };
	int bad = 0;

	printf("death of the one who deals with a death, at every instruction; "
	       "the first died at every state of\n");
	print_head();
	for (size_t i = 0; i < FIRSTS; i++) {
		const struct scenario *second = second_scenarios;

		for (; second->name; second++) {
			struct job j = { .sc = find(firsts[i]) };
			char name[128];

			if (!chosen(opt, firsts[i]))
				continue;
			j.second = second;
			j.effort.copies_every = opt->full ? 1 : 41;
			snprintf(name, sizeof(name), "%s; %s", firsts[i],
				 second->name);
			bad += run_job(&j, name, &sum);
		}
	}
	print_row("all", &sum);
	return bad;
}
