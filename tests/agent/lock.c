/* SPDX-License-Identifier: MIT */
/* Commands about keyed locks. A lane holds several, each known by its key. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sfshm/lock.h>

#include "lane.h"

struct lane_lock {
	char key[128];
	struct sfshm_lock lock;
	struct lane_lock *next;
};

static __thread char why[300];

/* Guards the locks of all lanes: do_unlock_of() looks at another lane's. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

static struct sfshm_lock *lock_of(struct lane *lane, const char *key)
{
	struct lane_lock *l = lane->locks;

	while (l && strcmp(l->key, key) != 0)
		l = l->next;
	if (l)
		return &l->lock;
	l = calloc(1, sizeof(*l));
	if (!l)
		exit(7);
	snprintf(l->key, sizeof(l->key), "%s", key);
	l->next = lane->locks;
	lane->locks = l;
	return &l->lock;
}

static void parse_options(struct sfshm_lock_options *o, char *rest)
{
	uint32_t task;

	*o = (struct sfshm_lock_options)SFSHM_LOCK_OPTIONS_INIT;
	o->why = why;
	o->why_size = sizeof(why);
	for (char *w = word(&rest); *w; w = word(&rest)) {
		if (!strcmp(w, "try"))
			o->flags |= SFSHM_LOCK_TRY;
		else if (!strcmp(w, "own-is-busy"))
			o->flags |= SFSHM_LOCK_OWN_IS_BUSY;
		else if (!strcmp(w, "cancel-first"))
			o->flags |= SFSHM_LOCK_CANCEL_FIRST;
		else if (!strcmp(w, "shared"))
			o->flags |= SFSHM_LOCK_SHARED;
		else if (!strcmp(w, "detached"))
			o->flags |= SFSHM_LOCK_DETACHED;
		else if (sscanf(w, "task=%u", &task) == 1)
			o->task = task;
		else if (!strcmp(w, "token"))
			o->cancel = &token;
		else if (sscanf(w, "rank=%u", &o->rank) != 1 &&
			 sscanf(w, "timeout=%u", &o->wait_timeout_ms) != 1)
			exit(6);
	}
}

/*
 * Notes a lock that was taken. A held lock stays in its place if it is asked
 * for again.
 */
static void settle(struct lane *lane, const char *key, int r,
		   const struct sfshm_lock *got)
{
	pthread_mutex_lock(&guard);
	if (r >= 0)
		*lock_of(lane, key) = *got;
	pthread_mutex_unlock(&guard);
	if (r == SFSHM_OWNER_DIED)
		reply(lane, "locked owner_died");
	else if (r == 0)
		reply(lane, "locked");
	else
		reply_code(lane, r);
}

static void do_lock(struct lane *lane, char *rest)
{
	const char *key = word(&rest);
	struct sfshm_lock_options o;
	struct sfshm_lock got;

	parse_options(&o, rest);
	settle(lane, key, sfshm_lock(handle, key, strlen(key), &o, &got), &got);
}

/* Gives back, as this lane, a lock that the lane `of` has taken. */
static void give_back(struct lane *lane, struct lane *of, const char *key)
{
	int r;

	pthread_mutex_lock(&guard);
	r = sfshm_unlock(lock_of(of, key));
	pthread_mutex_unlock(&guard);
	reply_code(lane, r);
}

static void do_unlock(struct lane *lane, char *rest)
{
	give_back(lane, lane, word(&rest));
}

static void do_unlock_of(struct lane *lane, char *rest)
{
	struct lane *other = lane_find(word(&rest));

	give_back(lane, other, word(&rest));
}

static void do_lock_generation(struct lane *lane, char *rest)
{
	reply(lane, "%" PRIu64,
	      sfshm_lock_generation(lock_of(lane, word(&rest))));
}

static void do_lock_why(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%s", why);
}

const struct command lock_commands[] = {
	{ "lock", "KEY [OPTION...]", do_lock },
	{ "unlock", "KEY", do_unlock },
	{ "unlock-of", "LANE KEY: what that thread holds", do_unlock_of },
	{ "lock-generation", "KEY", do_lock_generation },
	{ "lock-why", "what was said about the last wrong rank", do_lock_why },
	{ NULL, NULL, NULL },
};
