/* SPDX-License-Identifier: MIT */
/*
 * Waits that are polled. The victim has a second thread, the library's, which
 * runs freely.
 */
#include "scenario.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <sfshm/queue.h>

static struct sfshm_queue *queue;
static struct sfshm_wait my_wait;
static struct sfshm_lock my_lock;
static struct sfshm_permit my_permit;

static void leader_leads(struct show *sh)
{
	sh->helper[0] = helper_start(sh->st, A_KEY);
	helper_cue(sh->st, &sh->helper[0], 'l');
}

static void leader_publishes(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'P');
}

static void leader_releases(struct show *sh)
{
	helper_cue(sh->st, &sh->helper[0], 'r');
}

static void leader_dies(struct show *sh)
{
	helper_kill(&sh->helper[0]);
}

static void begin(struct stage *st)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_DETACHED;
	insist(st, sfshm_begin_async(queue, mine, A_KEY, strlen(A_KEY), &policy,
				     &my_flight, &my_result,
				     &my_wait) == -EINPROGRESS);
}

static void open_queue(struct stage *st)
{
	act_warm(st);
	insist(st, sfshm_queue_open(&queue) == 0);
}

/* The library's thread runs already. */
static void wait_once(struct stage *st)
{
	open_queue(st);
	begin(st);
}

static void finish(struct stage *st)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(queue), .events = POLLIN };
	int r;

	do {
		poll(&fd, 1, -1);
		insist(st, sfshm_queue_next(queue, &my_wait) == 1);
		r = sfshm_wait_finish(queue, &my_wait, &my_flight, &my_result);
	} while (r == -EINPROGRESS);
	insist(st, r == SFSHM_AWAITED || r == SFSHM_LEADER);
	if (r == SFSHM_LEADER)
		act_publish(st, 50);
}

static void begin_lock(struct stage *st)
{
	insist(st, sfshm_lock_async(queue, mine, A_LOCK_KEY, strlen(A_LOCK_KEY),
				    NULL, &my_lock, &my_wait) == -EINPROGRESS);
}

static void begin_permit(struct stage *st)
{
	insist(st, sfshm_acquire_async(queue, mine, A_KEY, strlen(A_KEY), NULL,
				       &my_permit, &my_wait) == -EINPROGRESS);
}

static void wait_for_lock(struct stage *st)
{
	open_queue(st);
	begin_lock(st);
}

static void wait_for_permit(struct stage *st)
{
	open_queue(st);
	begin_permit(st);
}

static void await_turn(struct stage *st)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(queue), .events = POLLIN };

	poll(&fd, 1, -1);
	insist(st, sfshm_queue_next(queue, &my_wait) == 1);
}

static void finish_with_lock(struct stage *st)
{
	int r;

	do {
		await_turn(st);
		r = sfshm_wait_finish_lock(queue, &my_wait, &my_lock);
	} while (r == -EINPROGRESS);
	insist(st, r >= 0);
}

static void finish_with_permit(struct stage *st)
{
	int r;

	do {
		await_turn(st);
		r = sfshm_wait_finish_permit(queue, &my_wait, &my_permit);
	} while (r == -EINPROGRESS);
	insist(st, r == 0);
}

static void cancel(struct stage *st)
{
	insist(st, sfshm_wait_cancel(queue, &my_wait) == 0);
}

static void close_queue(struct stage *st)
{
	insist(st, sfshm_queue_close(queue) == 0);
}

const struct scenario queue_scenarios[] = {
	{
		.name = "poll: begin the first wait",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = open_queue,
		.operate = begin,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: begin another wait",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.operate = begin,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: the leader publishes",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.between = leader_publishes,
		.operate = finish,
	},
	{
		.name = "poll: the leader releases",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.between = leader_releases,
		.operate = finish,
	},
	{
		.name = "poll: the leader dies",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.between = leader_dies,
		.operate = finish,
	},
	{
		.name = "poll: cancel a wait",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.operate = cancel,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: close a queue with a wait",
		.key = A_KEY,
		.before = leader_leads,
		.prepare = wait_once,
		.operate = close_queue,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: begin a wait for a lock",
		.key = A_KEY,
		.before = show_lock_is_held,
		.prepare = open_queue,
		.operate = begin_lock,
		.finish = finish_lock,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: begin a wait for a shared lock",
		.key = A_KEY,
		.before = show_lock_is_shared,
		.prepare = open_queue,
		.operate = begin_lock,
		.finish = finish_lock,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: the lock comes back",
		.key = A_KEY,
		.before = show_lock_is_held,
		.prepare = wait_for_lock,
		.between = show_lock_comes_back,
		.operate = finish_with_lock,
		.finish = finish_lock,
	},
	{
		.name = "poll: the shared lock comes back",
		.key = A_KEY,
		.before = show_lock_is_shared,
		.prepare = wait_for_lock,
		.between = show_lock_comes_back,
		.operate = finish_with_lock,
		.finish = finish_lock,
	},
	{
		.name = "poll: the holder of the lock dies",
		.key = A_KEY,
		.before = show_lock_is_held,
		.prepare = wait_for_lock,
		.between = show_holder_of_lock_dies,
		.operate = finish_with_lock,
		.finish = finish_lock,
	},
	{
		.name = "poll: cancel a wait for a lock",
		.key = A_KEY,
		.before = show_lock_is_held,
		.prepare = wait_for_lock,
		.operate = cancel,
		.finish = finish_lock,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: begin a wait for a permit",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = open_queue,
		.operate = begin_permit,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: a permit comes back",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = wait_for_permit,
		.between = show_permit_comes_back,
		.operate = finish_with_permit,
		.finish = finish_permits,
		.flags = MAY_BE_BUSY,
	},
	{
		.name = "poll: the holder of the permits dies",
		.key = A_KEY,
		.before = show_permits_are_held,
		.prepare = wait_for_permit,
		.between = show_holder_of_permits_dies,
		.operate = finish_with_permit,
		.finish = finish_permits,
	},
	{ .name = NULL },
};
