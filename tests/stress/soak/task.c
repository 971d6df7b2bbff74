/* SPDX-License-Identifier: MIT */
/*
 * Flights of the process, which another thread ends, and what a task or a
 * thread leaves behind: sfshm_release_all() gives back all of it and nothing
 * else, and says how much that was.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include <sfshm.h>
#include <sfshm/lock.h>
#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#include "common/owned.h"
#include "worker.h"

#define MOST 3

static uint64_t tasks;

static void *end_here(void *arg)
{
	struct led *l = arg;

	if (lead(l) == -ESTALE && !LOSABLE(l->key))
		violation("key %" PRIu32 ": a flight of the process is lost",
			  l->key);
	return NULL;
}

/* This thread waits for the end, so the two do not report at once. */
static void end_elsewhere(struct led *l)
{
	pthread_t thread;

	if (random_below(3) == 0 ||
	    pthread_create(&thread, NULL, end_here, l)) {
		end_here(l);
		return;
	}
	count(TALLY_handed);
	pthread_join(thread, NULL);
}

void lead_for_process(uint32_t key)
{
	struct sfshm_flight flight;
	struct led l = { .flight = &flight, .key = key, .of_process = true };
	uint64_t floor = floor_of(key);
	struct sfshm_policy policy;
	char text[64];
	size_t len = key_text(text, sizeof(text), key);
	int r;

	l.ttl_ms = ttl_choose();
	l.task = random_below(2) ? ++tasks : 0;
	policy_choose(&policy, &key, l.ttl_ms);
	policy.flags |= SFSHM_DETACHED;
	policy.task = l.task;
	r = sfshm_begin(handle, text, len, &policy, &flight, &result);
	if (r != SFSHM_LEADER)
		judge_answer(key, r, &policy, &result, floor);
	else if (result.coordinated)
		end_elsewhere(&l);
	else
		lead_alone(&l);
}

/* Leads a key, if nobody else does. */
static bool take(uint32_t key, uint32_t flags, uint64_t task,
		 struct sfshm_flight *f)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	char text[64];
	size_t len = key_text(text, sizeof(text), key);

	policy.flags = SFSHM_TRY | SFSHM_REFRESH | flags;
	policy.task = task;
	return sfshm_begin(handle, text, len, &policy, f, &result) ==
	       SFSHM_LEADER;
}

static void judge_left(const char *what, int r, int wanted)
{
	if (r != wanted)
		violation("release_all: %s: %d, not %d", what, r, wanted);
}

/* The segment, too, says that this process leads none of them. */
static void judge_all(int most)
{
	int n = flights_owned(board->segment);

	if (n > most)
		violation("release_all: the process leads %d flights, not %d",
			  n, most);
}

static void leave_task(uint32_t first)
{
	struct sfshm_flight flights[MOST], other;
	uint64_t task = ++tasks;
	bool has_other;
	int n = 0;

	for (uint32_t i = 0; i < MOST; i++)
		n += take(first + 8 * i, SFSHM_DETACHED, task, &flights[n]);
	has_other = take(first + 8 * MOST, SFSHM_DETACHED, ++tasks, &other);
	judge_left("the task's flights", sfshm_release_all(handle, task), n);
	judge_all(has_other);
	for (int i = 0; i < n; i++)
		judge_left("a late publish", sfshm_publish(&flights[i], "x", 1),
			   -ESTALE);
	for (uint32_t i = 0; i < MOST; i++)
		if (take(first + 8 * i, SFSHM_DETACHED, task, &flights[i]))
			judge_left("a later flight", sfshm_release(&flights[i]),
				   0);
	if (has_other)
		judge_left("another task's flight", sfshm_release(&other), 0);
	judge_left("once more", sfshm_release_all(handle, task), 0);
}

static void leave_thread(uint32_t key)
{
	struct sfshm_semaphore_options permits = SFSHM_SEMAPHORE_OPTIONS_INIT;
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_flight flight;
	struct sfshm_permit permit;
	struct sfshm_lock lock;
	bool leads, locked, permitted;

	permits.max = 2;
	permits.flags = SFSHM_SEMAPHORE_TRY;
	o.flags = SFSHM_LOCK_TRY | (random_below(2) ? SFSHM_LOCK_SHARED : 0);
	grips_drop(0);
	leads = take(key, 0, 0, &flight);
	locked = sfshm_lock(handle, LEFT, strlen(LEFT), &o, &lock) >= 0;
	permitted =
		!sfshm_acquire(handle, LEFT, strlen(LEFT), &permits, &permit);
	judge_left("the thread's", sfshm_release_all(handle, 0),
		   leads + locked + permitted);
	judge_all(0);
	if (leads)
		judge_left("a late release", sfshm_release(&flight), -ESTALE);
	if (locked)
		judge_left("a late unlock", sfshm_unlock(&lock), -ESTALE);
	if (permitted)
		judge_left("a late permit", sfshm_permit_release(&permit),
			   -ESTALE);
	judge_left("once more", sfshm_release_all(handle, 0), 0);
}

void leave(uint32_t key)
{
	/* Nobody takes such a key's flight from a leader that lives. */
	uint32_t first = (key % (KEYS - 8 * (MOST + 1))) / 8 * 8 + 1;

	count(TALLY_left);
	if (random_below(2))
		leave_task(first);
	else
		leave_thread(first);
}
