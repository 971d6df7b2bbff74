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
	{ .name = NULL },
};
