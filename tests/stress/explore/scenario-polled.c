/* SPDX-License-Identifier: MIT */
/*
 * Waits that an event loop polls, and the thread that watches them
 * (top/polling.h). The first role leads key 0. The second is the loop, and the
 * third is the watcher, a thread of the loop's process, which begins with the
 * first wait.
 */
#include <errno.h>

#include <sfshm/queue.h>

#include "kernel.h"
#include "scene.h"

#define KEPT .ttl_ms = FOREVER
#define RUNS 300
#define DETACHED POLICY(KEPT, .flags = SFSHM_DETACHED)
#define BOTH (MAY_DIE | MAY_STOP)
#define WATCHER (FORKED | MAY_IDLE | THREAD_OF(1))

/* Of the loop's process. */
static struct sfshm_queue *queue;
static struct sfshm_wait my_wait;
static struct sfshm_flight flight;

static void attach(void)
{
	scene_attach();
}

static void lead(void)
{
	scene_attach();
	scene_begin(&scene_led, 0, POLICY(KEPT));
}

static void publish(void)
{
	scene_publish(&scene_led);
}

static void release(void)
{
	scene_release(&scene_led);
}

/* At work: another one may meet it there, or it dies. */
static void linger(void)
{
	scene_sleep(250 * MS);
	scene_publish(&scene_led);
}

static void ask(void)
{
	int r = scene_do(0, POLICY(KEPT));

	if (r < 0)
		oracle_fail("P%d asks and gets %d", fiber_current, r);
}

static void open_queue(void)
{
	scene_attach();
	if (sfshm_queue_open(&queue))
		oracle_fail("P%d has no queue", fiber_current);
}

static int begin(void)
{
	struct sfshm_result result;

	scene_result(&result);
	return scene_answered(0,
			      sfshm_begin_async(queue, &scene_handle,
						oracle_key(0), 8, DETACHED,
						&flight, &result, &my_wait),
			      &result, DETACHED);
}

static int finish(void)
{
	struct sfshm_result result;

	scene_result(&result);
	return scene_answered(
		0, sfshm_wait_finish(queue, &my_wait, &flight, &result),
		&result, DETACHED);
}

/* poll(2) of the queue's descriptor, and sfshm_queue_next(). */
static void be_told(void)
{
	uint32_t *word = &twin_eventfd, zero = 0;
	struct sfshm_wait wait;
	int r;

	do {
		while (!load_acquire(word))
			kernel_sleep(&word, &zero, 1, 0);
		r = sfshm_queue_next(queue, &wait);
	} while (!r);
	if (r != 1 || wait.number != my_wait.number)
		oracle_fail("P%d is told of another wait", fiber_current);
}

static void use(int r)
{
	if (r == SFSHM_LEADER)
		r = scene_end_detached(&flight, 0, SCENE_PUBLISH);
	if (r < 0)
		oracle_fail("P%d polls and gets %d", fiber_current, r);
	sfshm_queue_close(queue);
}

static void begin_early(void)
{
	open_queue();
	if (begin() != -EINPROGRESS)
		oracle_fail("P%d does not wait", fiber_current);
}

/* The loop of a program. */
static void loop(void)
{
	int r = -EINPROGRESS;

	while (r == -EINPROGRESS) {
		be_told();
		r = finish();
	}
	use(r);
}

static void begin_and_loop(void)
{
	int r = begin();

	if (r == -EINPROGRESS)
		loop();
	else
		use(r);
}

/* It does not wait to be told, at first. */
static void finish_early(void)
{
	int r = finish();

	if (r == -EINPROGRESS)
		loop();
	else
		use(r);
}

static void cancel(void)
{
	if (sfshm_wait_cancel(queue, &my_wait))
		oracle_fail("P%d cannot cancel its wait", fiber_current);
	sfshm_queue_close(queue);
}

/* The watcher sleeps on, also on the words of a leader that nobody needs. */
static void cancel_only(void)
{
	if (sfshm_wait_cancel(queue, &my_wait))
		oracle_fail("P%d cannot cancel its wait", fiber_current);
}

const struct scenario scenario_polled = {
	.name = "polled",
	.what = "a leader publishes, one polls; its wait is parked already",
	.budget = 2,
	.runs = RUNS,
	/* A waker may die before it rings: a slice (POLLED-3). */
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "loop", begin_early, loop, MAY_DIE, 0, 0 },
		{ "watcher", NULL, twin_thread_main, MAY_STOP | WATCHER, 0, 0 },
	},
};

const struct scenario scenario_polled_begin = {
	.name = "polled-begin",
	.what = "a leader publishes as one begins to poll",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, publish, BOTH, 0, 0 },
		{ "loop", open_queue, begin_and_loop, MAY_DIE, 0, 0 },
		{ "watcher", NULL, twin_thread_main, MAY_STOP | WATCHER, 0, 0 },
	},
};

const struct scenario scenario_polled_release = {
	.name = "polled-release",
	.what = "a leader gives up, one polls, one sleeps: one of them leads",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, release, BOTH, 0, 0 },
		{ "loop", begin_early, loop, MAY_DIE, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
		{ "follower", attach, ask, MAY_DIE, 0, 0 },
	},
};

const struct scenario scenario_polled_dead = {
	.name = "polled-dead",
	.what = "a leader at work dies, one polls, one sleeps",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, linger, MAY_DIE_AT_WORK, 0, 0 },
		{ "loop", begin_early, loop, 0, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
		{ "follower", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_polled_alone = {
	.name = "polled-alone",
	.what = "a leader at work dies, one polls",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, linger, MAY_DIE_AT_WORK, 0, 0 },
		{ "loop", begin_early, loop, 0, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
	},
};

const struct scenario scenario_polled_gone = {
	.name = "polled-gone",
	.what = "a leader dies, whose only polled wait is gone; one sleeps",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 1,
	.role = {
		{ "leader", lead, linger, MAY_DIE_AT_WORK, 0, 0 },
		{ "loop", begin_early, cancel_only, 0, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
		{ "follower", attach, ask, 0, 0, 0 },
	},
};

const struct scenario scenario_polled_finish = {
	.name = "polled-finish",
	.what = "a leader gives up as one who polls looks without being told",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, release, BOTH, 0, 0 },
		{ "loop", begin_early, finish_early, MAY_DIE, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
	},
};

const struct scenario scenario_polled_cancel = {
	.name = "polled-cancel",
	.what = "a leader gives up as one cancels its wait, one sleeps",
	.budget = 2,
	.runs = RUNS,
	.deaths_told = 0,
	.role = {
		{ "leader", lead, release, BOTH, 0, 0 },
		{ "loop", begin_early, cancel, MAY_DIE, 0, 0 },
		{ "watcher", NULL, twin_thread_main, WATCHER, 0, 0 },
		{ "follower", attach, ask, 0, 0, 0 },
	},
};
