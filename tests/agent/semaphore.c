/* SPDX-License-Identifier: MIT */
/* Commands about semaphores. A lane holds permits in the order of taking. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/semaphore.h>

#include "lane.h"

#define MOST 64

/* The permits of all lanes; only a lane's own thread changes its own. */
static struct taken {
	const struct lane *lane;
	struct sfshm_permit permit[MOST];
	int count;
} taken[512];
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static struct taken *taken_by(const struct lane *lane)
{
	struct taken *t = taken;

	pthread_mutex_lock(&guard);
	while (t->lane && t->lane != lane)
		t++;
	t->lane = lane;
	pthread_mutex_unlock(&guard);
	return t;
}

static void do_acquire(struct lane *lane, char *rest)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;
	const char *name = word(&rest);
	struct taken *t = taken_by(lane);
	uint32_t task;
	int r;

	for (char *w = word(&rest); *w; w = word(&rest)) {
		if (!strcmp(w, "try"))
			o.flags |= SFSHM_SEMAPHORE_TRY;
		else if (!strcmp(w, "cancel-first"))
			o.flags |= SFSHM_SEMAPHORE_CANCEL_FIRST;
		else if (!strcmp(w, "token"))
			o.cancel = &token;
		else if (!strcmp(w, "detached"))
			o.flags |= SFSHM_SEMAPHORE_DETACHED;
		else if (sscanf(w, "task=%u", &task) == 1)
			o.task = task;
		else if (sscanf(w, "max=%u", &o.max) != 1 &&
			 sscanf(w, "timeout=%u", &o.wait_timeout_ms) != 1)
			exit(6);
	}
	r = sfshm_acquire(handle, name, strlen(name), &o, &t->permit[t->count]);
	/* Another lane may look: see do_give_back_of(). */
	pthread_mutex_lock(&guard);
	t->count += !r;
	pthread_mutex_unlock(&guard);
	reply_code(lane, r);
}

static void do_give_back(struct lane *lane, char *rest)
{
	struct taken *t = taken_by(lane);

	(void)rest;
	reply_code(lane, sfshm_permit_release(&t->permit[--t->count]));
}

static void do_give_back_again(struct lane *lane, char *rest)
{
	struct taken *t = taken_by(lane);

	(void)rest;
	reply_code(lane, sfshm_permit_release(&t->permit[t->count]));
}

static void do_give_back_of(struct lane *lane, char *rest)
{
	struct taken *t = taken_by(lane_find(word(&rest)));

	int last;

	pthread_mutex_lock(&guard);
	last = (int)t->count - 1;
	pthread_mutex_unlock(&guard);
	reply_code(lane, sfshm_permit_release(&t->permit[last]));
}

static void do_permits(struct lane *lane, char *rest)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	const char *name = word(&rest);
	int r = sfshm_semaphore_info(handle, name, strlen(name), &info);

	if (r)
		reply_code(lane, r);
	else
		reply(lane, "%u of %u, %u wait", info.in_use, info.max,
		      info.waiters);
}

static void do_set_max(struct lane *lane, char *rest)
{
	const char *name = word(&rest);
	uint32_t max = (uint32_t)atoi(word(&rest));

	reply_code(lane,
		   sfshm_semaphore_set_max(handle, name, strlen(name), max));
}

static void do_remove(struct lane *lane, char *rest)
{
	const char *name = word(&rest);

	reply_code(lane, sfshm_semaphore_remove(handle, name, strlen(name)));
}

/*
 * Uses a robust mutex of the program's own, which changes what the kernel looks
 * at when the thread dies.
 */
static void do_robust_mutex(struct lane *lane, char *rest)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;

	(void)rest;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&mutex, &attr);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	pthread_mutex_destroy(&mutex);
	pthread_mutexattr_destroy(&attr);
	reply(lane, "ok");
}

const struct command semaphore_commands[] = {
	{ "acquire",
	  "NAME [try] [cancel-first] [token] [detached] [task=N] [max=N] "
	  "[timeout=MS]",
	  do_acquire },
	{ "give-back", "the permit taken last", do_give_back },
	{ "give-back-again", "the same once more", do_give_back_again },
	{ "give-back-of", "LANE: that thread's", do_give_back_of },
	{ "permits", "NAME: how many are held, of how many", do_permits },
	{ "set-max", "NAME N", do_set_max },
	{ "remove", "NAME", do_remove },
	{ "robust-mutex", "locks and unlocks one", do_robust_mutex },
	{ NULL, NULL, NULL },
};
