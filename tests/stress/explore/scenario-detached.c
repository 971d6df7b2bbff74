/* SPDX-License-Identifier: MIT */
/*
 * Flights of a process (sync/move.h). One thread of the process has begun the
 * flight on key 0; others of its threads end it, or it moves as a thread ends.
 */
#include <errno.h>

#include <sfshm/put.h>

#include "scene.h"

#define KEPT .ttl_ms = FOREVER
#define RUNS 400
#define DETACHED POLICY(KEPT, .flags = SFSHM_DETACHED)
#define BOTH (MAY_DIE | MAY_STOP)
#define WITH_FIRST THREAD_OF(0)

/* Of the process: its threads share them. */
static struct sfshm_flight flight;
static unsigned int tried, won;

static void attach(void)
{
	scene_attach();
}

static void lead(void)
{
	scene_attach();
	scene_begin_detached(&flight, 0, DETACHED);
}

static void lead_for_a_while(void)
{
	scene_attach();
	scene_begin_detached(&flight, 0,
			     POLICY(KEPT, .flags = SFSHM_DETACHED,
				    .lock_age_ms = 50));
}

/* Of two that end a flight which nobody takes, one is told that it has. */
static void end(enum scene_end how)
{
	struct sfshm_flight mine = flight;

	won += scene_end_detached(&mine, 0, how) >= 0;
	tried++;
	if (tried == 2 && !won)
		oracle_fail("P%d is the second whose call did not end the "
			    "flight",
			    fiber_current);
}

static void publish_first(void)
{
	end(SCENE_PUBLISH);
}

static void release_first(void)
{
	end(SCENE_RELEASE);
}

/* By a copy of the struct: another task has another one. */
static void publish(void)
{
	struct sfshm_flight mine = flight;

	scene_end_detached(&mine, 0, SCENE_PUBLISH);
}

/* It takes its time, and the flight is given to it meanwhile. */
static void linger(void)
{
	scene_sleep(250 * MS);
	publish();
}

/* To look at the last value, it takes the flight. */
static void look_and_linger(void)
{
	struct sfshm_result result;
	int r;

	scene_result(&result);
	r = sfshm_flight_value(&flight, &result);
	if (r != -ENODATA)
		oracle_fail("P%d looks and gets %d", fiber_current, r);
	linger();
}

static void leave(void)
{
	scene_leave();
}

static void ask(void)
{
	int r = scene_do(0, POLICY(KEPT));

	/* ... or its flight was taken from it. */
	if (r < 0 && r != -ESTALE)
		oracle_fail("P%d asks and gets %d", fiber_current, r);
}

/* Its record may be one that a thread has just left. */
static void attach_and_ask(void)
{
	scene_attach();
	ask();
}

static void invalidate_hard(void)
{
	scene_invalidate(0, SFSHM_HARD);
}

static void invalidate_soft(void)
{
	scene_invalidate(0, 0);
}

const struct scenario scenario_detached = {
	.name = "detached",
	.what = "a thread publishes what another one began; one waits",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "beginner", lead, NULL, MAY_DIE, 0, 0 },
		{ "publisher", attach, publish, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_detached_two = {
	.name = "detached-two",
	.what = "two threads end one flight; one waits",
	.budget = 2,
	.runs = RUNS,
	/* A thread that dies between the release and its wake costs a slice. */
	.deaths_told = 0,
	.role = {
		{ "releaser", lead, release_first, BOTH, 0, 0 },
		{ "publisher", attach, publish_first, MAY_STOP | WITH_FIRST, 0,
		  0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_detached_steal = {
	.name = "detached-steal",
	.what = "another thread publishes past the lease, one takes the flight",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "beginner", lead_for_a_while, NULL, MAY_DIE, 0, 0 },
		{ "publisher", attach, publish, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "thief", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_detached_leave = {
	.name = "detached-leave",
	.what = "a thread ends as another one publishes its flight; one waits",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "beginner", lead, leave, BOTH, 0, 0 },
		{ "publisher", attach, publish, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "follower", attach, ask, BOTH, 0, 0 },
	},
};

const struct scenario scenario_detached_exit = {
	.name = "detached-exit",
	.what = "the owner ends unknown to libc, another thread publishes",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "beginner", lead, NULL, MAY_EXIT, 0, 0 },
		{ "publisher", attach, publish, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "asker", attach, ask, BOTH, 0, 0 },
	},
};

/* A thread that ends in its call keeps the flight: only the lease ends it. */
const struct scenario scenario_detached_mover = {
	.name = "detached-mover",
	.what = "a thread that publishes ends unknown to libc; one waits",
	.budget = 2,
	.runs = RUNS,
	.slices = true,
	.role = {
		{ "beginner", lead_for_a_while, NULL, MAY_EXIT, 0, 0 },
		{ "publisher", attach, publish, MAY_EXIT | WITH_FIRST, 0, 0 },
		{ "thief", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_detached_hand = {
	.name = "detached-hand",
	.what = "a thread gives its flight to one that ends; one takes records",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "beginner", lead, leave, MAY_EXIT, 0, 0 },
		{ "receiver", attach, linger, MAY_EXIT | WITH_FIRST, 0, 0 },
		{ "asker", NULL, attach_and_ask, 0, 0, 0 },
	},
};

/* Followers sleep on the words of the owner that is at work (MOVE-5). */
const struct scenario scenario_detached_work = {
	.name = "detached-work",
	.what = "a thread takes a flight, works and dies; one waits",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "beginner", lead, NULL, 0, 0, 0 },
		{ "worker", attach, look_and_linger,
		  MAY_EXIT_AT_WORK | WITH_FIRST, 0, 0 },
		{ "follower", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_detached_given = {
	.name = "detached-given",
	.what = "a thread gives its flight to one that works and dies",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "beginner", lead, leave, 0, 0, 0 },
		{ "worker", attach, linger, MAY_EXIT_AT_WORK | WITH_FIRST, 0,
		  0 },
		{ "follower", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_detached_hard = {
	.name = "detached-hard",
	.what = "a flight is invalidated, hard, as another thread publishes",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "beginner", lead, NULL, MAY_DIE, 0, 0 },
		{ "publisher", attach, publish, MAY_STOP | WITH_FIRST, 0, 0 },
		{ "invalidator", attach, invalidate_hard, BOTH, 0, 0 },
		{ "asker", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_detached_soft = {
	.name = "detached-soft",
	.what = "a flight is invalidated, softly, as it moves, twice",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "beginner", lead, leave, MAY_DIE, 0, 0 },
		{ "publisher", attach, publish, WITH_FIRST, 0, 0 },
		{ "invalidator", attach, invalidate_soft, BOTH, 0, 0 },
		{ "asker", attach, ask, 0, 0, 0 },
	},
};
