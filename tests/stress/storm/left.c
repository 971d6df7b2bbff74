/* SPDX-License-Identifier: MIT */
/*
 * What a task or a thread leaves behind: sfshm_release_all() gives back all of
 * it and nothing else, and says how much that was.
 */
#include "common/owned.h"
#include "worker.h"

#include <errno.h>
#include <string.h>

#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#define MOST 3

static void wrong(uint32_t key, int r)
{
	tell(TOLD_WRONG, key, WRONG_LEFT, 0, (uint64_t)-r, 0);
}

/* A key that nobody takes from a leader that lives. */
static uint32_t kept(uint32_t key)
{
	return key - key % 4 + key % 2;
}

/* Leads a key, if nobody else does. */
static bool take(uint32_t key, uint32_t flags, uint64_t task,
		 struct sfshm_flight *f)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = SFSHM_REFRESH | SFSHM_TRY | flags;
	policy.task = task;
	if (!ask(key, &policy, f))
		return false;
	one_more(&own->uncounted);
	one_more(&own->led);
	tell(TOLD_LED, key, 0, sfshm_flight_generation(f), 0, 0);
	return true;
}

/* The flight was released: nobody can end it, and its task may lead again. */
static void look_at(uint32_t key, uint64_t task, struct sfshm_flight *f)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_flight again;
	int r = sfshm_publish(f, "x", 1);

	if (r != -ESTALE)
		wrong(key, r);
	policy.flags = SFSHM_REFRESH | SFSHM_TRY | SFSHM_FOLLOW;
	policy.task = task;
	if (ask(key, &policy, &again))
		wrong(key, 0);
}

/*
 * The segment, too, says that this process leads no more flights. It may show
 * fewer: others may change a slot while the view reads it.
 */
static void look_at_all(uint32_t key, int most)
{
	int n = flights_owned(storm->path);

	if (n > most)
		tell(TOLD_WRONG, key, WRONG_LEFT, 1, (uint64_t)n, 0);
}

/* The flight of another task goes on. */
static void look_at_other(uint32_t key, struct sfshm_flight *f)
{
	int r = sfshm_extend(f, 0);

	if (r)
		wrong(key, r);
	if (sfshm_release(f))
		wrong(key, -ESTALE);
	else
		one_more(&own->released);
}

void leave_task(uint32_t key)
{
	static uint64_t tasks = UINT64_C(1) << 32;
	struct sfshm_flight flights[MOST], other;
	uint32_t keys[MOST], first = kept(key), n = 0;
	uint64_t task = ++tasks;
	bool has_other;
	int r;

	for (uint32_t i = 0; i < 1 + random_below(MOST); i++) {
		keys[n] = (first + 4 * i) % STORM_KEYS;
		n += take(keys[n], SFSHM_DETACHED, task, &flights[n]);
	}
	has_other = take((first + 4 * MOST) % STORM_KEYS, SFSHM_DETACHED,
			 random_below(2) ? task + 1 : 0, &other);
	r = sfshm_release_all(h, task);
	if (r != (int)n)
		wrong(key, r);
	look_at_all(key, has_other);
	one_more(&own->left);
	for (uint32_t i = 0; i < n; i++)
		look_at(keys[i], task, &flights[i]);
	if (has_other)
		look_at_other((first + 4 * MOST) % STORM_KEYS, &other);
	r = sfshm_release_all(h, task);
	if (r)
		wrong(key, r);
	tasks++;
}

/* What a thread holds, each or not. */
struct hand {
	struct sfshm_flight flight;
	struct sfshm_permit permit;
	struct sfshm_pin pin;
	struct sfshm_lock lock;
	bool has_flight, has_permit, has_pin, has_lock;
};

static bool grip(uint32_t key, struct sfshm_pin *pin)
{
	char name[64];
	size_t n = key_text(name, sizeof(name), key);
	bool has;

	one_more(&own->started);
	has = sfshm_pin(h, name, n, pin, &result) == SFSHM_CACHED;
	one_more(has ? &own->hits : &own->other);
	return has;
}

static void fill(struct hand *hand, uint32_t key)
{
	struct sfshm_semaphore_options permits = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	permits.max = STORM_PERMITS;
	permits.flags = SFSHM_SEMAPHORE_TRY;
	o.flags = SFSHM_LOCK_TRY | (random_below(2) ? SFSHM_LOCK_SHARED : 0);
	hand->has_pin = random_below(2) && grip(key, &hand->pin);
	hand->has_flight = random_below(2) && take(key, 0, 0, &hand->flight);
	/* Of this lock nobody takes note. */
	hand->has_lock = random_below(2) &&
			 sfshm_lock(h, "left", 4, &o, &hand->lock) >= 0;
	hand->has_permit = random_below(2) &&
			   !sfshm_acquire(h, STORM_SEMAPHORE,
					  strlen(STORM_SEMAPHORE), &permits,
					  &hand->permit);
}

static void look_at_hand(struct hand *hand, uint32_t key)
{
	int r;

	if (hand->has_pin && (r = sfshm_unpin(&hand->pin)) != -EINVAL)
		wrong(key, r);
	if (hand->has_lock && (r = sfshm_unlock(&hand->lock)) != -ESTALE)
		wrong(key, r);
	if (hand->has_permit &&
	    (r = sfshm_permit_release(&hand->permit)) != -ESTALE)
		wrong(key, r);
	if (hand->has_flight)
		look_at(key, 0, &hand->flight);
}

void leave_thread(uint32_t key)
{
	struct hand hand;
	int r, n;

	key = kept(key);
	fill(&hand, key);
	n = hand.has_pin + hand.has_flight + hand.has_lock + hand.has_permit;
	r = sfshm_release_all(h, 0);
	if (r != n)
		wrong(key, r);
	look_at_all(key, 0);
	one_more(&own->left);
	look_at_hand(&hand, key);
	r = sfshm_release_all(h, 0);
	if (r)
		wrong(key, r);
}
