/* SPDX-License-Identifier: MIT */
/*
 * Flights of a process (SFSHM_DETACHED): they move between the records of its
 * threads. Either the whole process dies, or one of its threads alone, without
 * libc's knowledge: the one that moves the flight, or the other one.
 */
#include "scenario.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sfshm/put.h>

#include "os/atomics.h"

/* Where the other thread of the victim's process says that it is ready. */
static pthread_barrier_t ready;

static void act_detached(struct stage *st)
{
	insist(st, act_begin(A_KEY, SFSHM_REFRESH | SFSHM_DETACHED, 0) ==
			   SFSHM_LEADER);
	stage_note_led(st, A_KEY, my_result.generation);
}

void *act_stay(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return NULL;
}

static void *lead_and_stay(void *st)
{
	act_detached(st);
	return act_stay(NULL);
}

void *act_attach_and_stay(void *st)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	insist(st, sfshm_get(mine, "nothing", 7, &result) == -ENODATA);
	return act_stay(NULL);
}

void act_beside(struct stage *st, void *(*run)(void *))
{
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, 2);
	insist(st, pthread_create(&thread, NULL, run, st) == 0);
	pthread_barrier_wait(&ready);
}

/* Ends this thread, but not its process, when the harness says so. */
static void *end_when_told(struct stage *st)
{
	pthread_barrier_wait(&ready);
	while (!load_acquire(&st->other_ends))
		syscall(SYS_futex, &st->other_ends, FUTEX_WAIT, 0, NULL, NULL,
			0);
	syscall(SYS_exit, 0);
	return NULL;
}

static void *lead_and_end(void *st)
{
	act_detached(st);
	return end_when_told(st);
}

static void *attach_and_end(void *st)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	insist(st, sfshm_get(mine, "nothing", 7, &result) == -ENODATA);
	return end_when_told(st);
}

static void other_ends(struct show *sh)
{
	store_release(&sh->st->other_ends, 1);
	syscall(SYS_futex, &sh->st->other_ends, FUTEX_WAKE, INT_MAX, NULL, NULL,
		0);
	victim_await_threads(&sh->victim, 1);
}

static void another_leads(struct stage *st)
{
	act_warm(st);
	act_beside(st, lead_and_stay);
}

static void lead_for_all(struct stage *st)
{
	act_warm(st);
	act_beside(st, act_attach_and_stay);
	act_detached(st);
}

static void another_leads_and_ends(struct stage *st)
{
	act_warm(st);
	act_beside(st, lead_and_end);
}

static void lead_for_one_that_ends(struct stage *st)
{
	act_warm(st);
	act_beside(st, attach_and_end);
	act_detached(st);
}

static void lead_alone(struct stage *st)
{
	act_warm(st);
	act_detached(st);
}

static void op_begin(struct stage *st)
{
	act_detached(st);
}

static void op_publish(struct stage *st)
{
	act_publish(st, 50);
}

/* It takes the flight, and does not end it. */
static void op_look(struct stage *st)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	insist(st, sfshm_flight_value(&my_flight, &result) == -ENODATA);
}

static void op_close(struct stage *st)
{
	insist(st, sfshm_close(mine) == 0);
}

const struct scenario moved_scenarios[] = {
	{
		.name = "begin: a flight of the process",
		.key = A_KEY,
		.prepare = act_warm,
		.operate = op_begin,
	},
	{
		.name = "publish: a flight of the process",
		.key = A_KEY,
		.prepare = lead_alone,
		.operate = op_publish,
	},
	{
		.name = "publish: what another thread has begun",
		.key = A_KEY,
		.prepare = another_leads,
		.operate = op_publish,
		.flags = NO_COPIES,
	},
	{
		.name = "detach: give a flight to another thread",
		.key = A_KEY,
		.prepare = lead_for_all,
		.operate = op_close,
		.flags = NO_COPIES,
	},
	{
		.name = "move: look at what another thread is to renew",
		.key = A_KEY,
		.prepare = another_leads,
		.operate = op_look,
		.flags = NO_COPIES,
	},
	{
		.name = "move: publish; this thread dies alone",
		.key = A_KEY,
		.prepare = another_leads,
		.operate = op_publish,
		.flags = NO_COPIES | MAY_BE_BUSY | DIES_ALONE,
	},
	{
		.name = "move: publish; the owner dies alone",
		.key = A_KEY,
		.prepare = another_leads_and_ends,
		.operate = op_publish,
		.dies = other_ends,
		.flags = NO_COPIES,
	},
	{
		.name = "move: detach; this thread dies alone",
		.key = A_KEY,
		.prepare = lead_for_all,
		.operate = op_close,
		.flags = NO_COPIES | MAY_BE_BUSY | DIES_ALONE,
	},
	{
		.name = "move: detach; the receiver dies alone",
		.key = A_KEY,
		.prepare = lead_for_one_that_ends,
		.operate = op_close,
		.dies = other_ends,
		.flags = NO_COPIES,
	},
	{ .name = NULL },
};
