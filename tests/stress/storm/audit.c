/* SPDX-License-Identifier: MIT */
/*
 * Checks after the storm that everything is whole and that the counters add
 * up.
 */
#include "storm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sfshm/flight.h>
#include <sfshm/inspect.h>

/* What takes longer than this never ends. */
#define STUCK_NS UINT64_C(60000000000)

static void say(struct audit *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct audit *a, const char *format, ...)
{
	va_list args;

	if (a->first[0])
		return;
	va_start(args, format);
	vsnprintf(a->first, sizeof(a->first), format, args);
	va_end(args);
}

static void tell_finding(const char *finding, void *arg)
{
	say(arg, "verify: %s", finding);
}

static uint64_t counter(struct sfshm_view *view, const char *wanted)
{
	const char *name, *help;
	uint64_t value;

	for (uint32_t i = 0; !sfshm_view_counter(view, i, &name, &help, &value);
	     i++)
		if (!strcmp(name, wanted))
			return value;
	return 0;
}

/*
 * Nothing that the dead left may hold a key up. Nobody alive is there to be
 * waited for, so a call that sleeps is held up by the dead.
 */
static void finish_keys(struct sfshm *h, struct sfshm_view *view,
			struct audit *a)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char name[64];

	for (uint32_t i = 0; i < STORM_KEYS; i++) {
		size_t n = key_text(name, sizeof(name), i);
		uint64_t waits = counter(view, "waits");
		uint64_t from = clock_ns(), ns;
		int r;

		policy.flags = SFSHM_REFRESH;
		policy.deadline_ns = from + STUCK_NS;
		r = sfshm_begin(h, name, n, &policy, &flight, &result);
		if (r == SFSHM_LEADER)
			r = sfshm_publish(&flight, "x", 1);
		ns = clock_ns() - from;
		if (a->worst_ns < ns)
			a->worst_ns = ns;
		if (!r && counter(view, "waits") == waits)
			continue;
		a->stuck_keys++;
		say(a, "%s: %s", name,
		    r ? strerrorname_np(-r) : "slept before it was finished");
	}
	sfshm_result_clear(&result);
}

/* Each death may lose one count of what its worker told; it loses no more. */
static void compare(struct audit *a, const char *what, uint64_t low,
		    uint64_t got, uint64_t high)
{
	if (got >= low && got <= high)
		return;
	a->uneven++;
	say(a, "%s: %llu, which is not within %llu and %llu", what,
	    (unsigned long long)got, (unsigned long long)low,
	    (unsigned long long)high);
}

static struct own sum_up(const struct storm *st)
{
	struct own sum = { 0 };
	uint64_t *to = (uint64_t *)&sum;

	for (uint32_t w = 0; w < STORM_WORKERS; w++) {
		const uint64_t *from = (const uint64_t *)&st->own[w];

		for (size_t i = 0; i < sizeof(sum) / sizeof(*to); i++)
			to[i] += from[i];
	}
	return sum;
}

/* The segment's counters against the workers' own, and each other. */
static void check_counters(const struct storm *st, struct sfshm_view *v,
			   uint64_t kills, struct audit *a)
{
	struct own own = a->own = sum_up(st);
	uint64_t gets = counter(v, "gets"), hits = counter(v, "hits");
	uint64_t negs = counter(v, "neg_hits"), loads = counter(v, "loads");
	uint64_t rode = counter(v, "loads_deduped");
	uint64_t spare = kills + own.uncounted;
	/* A put, and whoever makes a semaphore, mostly tries twice at most. */
	uint64_t tries = 4 * own.uncounted;
	uint64_t ended = counter(v, "publishes") + counter(v, "load_errs") +
			 counter(v, "releases") + counter(v, "fenced");

	compare(a, "gets", own.started - kills, gets, own.started + tries);
	compare(a, "hits", own.hits, hits, own.hits + kills);
	compare(a, "loads", own.led, loads, own.led + spare);
	compare(a, "hits, awaited and errors",
		own.hits + own.awaited + own.errors, hits + negs + rode,
		own.hits + own.awaited + own.errors + own.other + kills);
	compare(a, "publishes", own.published, counter(v, "publishes"),
		own.published + spare);
	compare(a, "load_errs", own.failed, counter(v, "load_errs"),
		own.failed + kills);
	compare(a, "releases", own.released, counter(v, "releases"),
		own.released + spare);
	compare(a, "fenced", own.fenced, counter(v, "fenced"),
		own.fenced + spare);
	compare(a, "gets that were answered", gets - own.other - kills - tries,
		hits + negs + rode + loads, gets);
	compare(a, "flights that ended", loads - kills, ended, loads);
	/* A worker has two threads at most. */
	compare(a, "reaps", 0, counter(v, "reaps"), 2 * kills);
	compare(a, "corrupt", 0, counter(v, "corrupt"), 0);
}

void audit_run(struct storm *st, uint64_t kills, struct audit *a)
{
	struct sfshm_view *view;
	struct sfshm *h;
	int r = sfshm_view_open(&view, st->path, NULL, 0);

	if (!r) {
		check_counters(st, view, kills, a);
		a->reaps = counter(view, "reaps");
		a->takeovers = counter(view, "takeovers");
		a->steals = counter(view, "steals");
		a->rechecks = counter(view, "rechecks");
		a->evictions = counter(view, "evictions");
		a->expelled = counter(view, "expelled");
		r = sfshm_open(&h, st->path, NULL);
	}
	if (r) {
		a->findings = r;
		say(a, "open: %s", strerrorname_np(-r));
		return;
	}
	finish_keys(h, view, a);
	a->findings = sfshm_verify(h, tell_finding, a);
	sfshm_view_close(view);
	sfshm_close(h);
}
