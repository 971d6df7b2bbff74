/* SPDX-License-Identifier: MIT */
/*
 * Flights of the process: one thread begins such a flight, and any thread ends
 * it. The other thread lives for this one flight, while the first one waits
 * for its end; or two threads end the flight at the same time, and one of them
 * is told that it came too late.
 */
#include "worker.h"

#include <errno.h>
#include <pthread.h>

/* What a thread is to do with the flight. */
struct errand {
	struct sfshm_policy policy;
	struct sfshm_flight flight;
	uint32_t key;
	uint32_t len; /* of the value in data[] */
	bool leads;
	int r;
};

static void *begin_here(void *arg)
{
	struct errand *e = arg;

	e->leads = ask(e->key, &e->policy, &e->flight);
	return NULL;
}

static void *end_here(void *arg)
{
	struct errand *e = arg;

	e->r = lead(e->key, &e->flight);
	return NULL;
}

static void *publish_here(void *arg)
{
	struct errand *e = arg;

	e->r = sfshm_publish(&e->flight, data, e->len);
	return NULL;
}

static void do_elsewhere(void *(*what)(void *), struct errand *e)
{
	pthread_t thread;

	if (random_below(2) || pthread_create(&thread, NULL, what, e)) {
		what(e);
		return;
	}
	one_more(&own->handed);
	pthread_join(thread, NULL);
}

/*
 * Its own task asks for the key, and is told that it leads; without a task it
 * is told that the key is busy.
 */
static void ask_again(const struct errand *e)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result none = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char name[64];
	size_t n = key_text(name, sizeof(name), e->key);
	int r;

	policy.flags = SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH;
	policy.task = e->policy.task;
	one_more(&own->started);
	one_more(&own->other);
	r = sfshm_begin(h, name, n, &policy, &flight, &none);
	sfshm_result_clear(&none);
	if (r != (policy.task ? -EDEADLK : -EBUSY))
		tell(TOLD_WRONG, e->key, WRONG_END, 0, (uint64_t)-r, 0);
}

/* One publish at most has succeeded; if nobody took the flight, one has. */
static void judge_race(struct errand *e, const struct stamp *s, uint64_t id,
		       int mine)
{
	int won = (mine >= 0) + (e->r >= 0);
	bool no_room = mine == -ENOSPC || e->r == -ENOSPC;

	if (won == 2 || (!won && !no_room && key_is_kept(e->key)))
		tell(TOLD_WRONG, e->key, WRONG_END, s->generation,
		     (uint64_t)won, 0);
	if (won)
		one_more(&own->published);
	tell(TOLD_DID, e->key, won ? 0 : -ESTALE, s->generation, id, 0);
	if (no_room)
		sfshm_release(&e->flight);
}

static void race(struct errand *e)
{
	struct stamp s = {
		.key = e->key,
		.generation = sfshm_flight_generation(&e->flight),
	};
	pthread_t thread;
	uint64_t id;
	int r, mine;

	e->len = (uint32_t)VALUE_MIN + random_below(100);
	one_more(&own->led);
	one_more(&own->uncounted);
	tell(TOLD_LED, e->key, 0, s.generation, 0, 0);
	id = value_make_tagged(data, e->len, &s);
	tell(TOLD_WILL, e->key, 0, s.generation, id, 0);
	e->r = -ESTALE;
	r = pthread_create(&thread, NULL, publish_here, e);
	mine = sfshm_publish(&e->flight, data, e->len);
	if (!r)
		pthread_join(thread, NULL);
	judge_race(e, &s, id, mine);
}

void lead_for_process(uint32_t key)
{
	static uint64_t tasks;
	struct errand e = { .key = key };

	choose_policy(&e.policy, key);
	e.policy.flags |= SFSHM_DETACHED;
	e.policy.task = random_below(2) ? ++tasks : 0;
	/*
	 * Attach this thread: one that ends leaves the flight to another one.
	 */
	get(key);
	do_elsewhere(begin_here, &e);
	if (!e.leads)
		return;
	if (key_is_kept(key) && random_below(2))
		ask_again(&e);
	if (random_below(4) == 0) {
		race(&e);
		return;
	}
	do_elsewhere(end_here, &e);
	if (key_is_kept(key) && e.r == -ESTALE)
		tell(TOLD_WRONG, key, WRONG_END, 0, 1, 0);
}
