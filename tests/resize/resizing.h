/* SPDX-License-Identifier: MIT */
/* The tests of resizing share a child that resizes the segment. */
#ifndef RESIZE_RESIZING_H
#define RESIZE_RESIZING_H

#include <glob.h>
#include <signal.h>
#include <sys/wait.h>

#include <sfshm/resize.h>

#include "agent.h"
#include "crowd.h"
#include "os/killpoint.h"
#include "watch.h"

/* What a child is to do, and how that went; in shared memory. */
struct resizing {
	struct sfshm_options wish; /* .size 0: finish an interrupted one */
	enum kill_point point;     /* KILL_NOWHERE: goes all the way */
	int signal;                /* ... that it sends to itself there */
	uint32_t patience_ms;      /* 0: without end */
	int outcome;
	uint32_t calls; /* of progress */
	uint64_t moved;
};

static inline struct resizing *resizing_make(uint32_t slots)
{
	struct resizing *z = shared_memory(sizeof(*z));

	z->wish.size = sizeof(z->wish);
	z->wish.slots = slots;
	z->signal = SIGKILL;
	return z;
}

static inline void resizing_note(uint64_t moved, uint64_t flights, void *arg)
{
	struct resizing *z = arg;

	(void)flights;
	z->calls++;
	z->moved = moved;
}

/* In this process. */
static inline int resizing_run(struct resizing *z)
{
	uint64_t end = z->patience_ms ? sfshm_deadline_ms(z->patience_ms) : 0;

	return sfshm_resize(segment, z->wish.size ? &z->wish : NULL, end,
			    resizing_note, z);
}

static inline void resizing_child(int member, void *arg)
{
	struct resizing *z = arg;

	(void)member;
	z->outcome = 1;
	if (z->point != KILL_NOWHERE)
		killpoint_arm(z->point, 1, z->signal);
	store_release(&z->outcome, resizing_run(z));
}

static inline int resizing_start(struct resizing *z)
{
	return child_start(resizing_child, 0, z);
}

/* Finishes what was interrupted; 0 or as sfshm_resize(). */
static inline int resizing_finish(void)
{
	return sfshm_resize(segment, NULL, sfshm_deadline_ms(PATIENCE_MS), NULL,
			    NULL);
}

/* How many files the segment has: itself and what a resize keeps beside it. */
static inline int resizing_files(void)
{
	char pattern[512];
	glob_t found;
	int n;

	snprintf(pattern, sizeof(pattern), "%s*", watch_path());
	n = glob(pattern, 0, NULL, &found) ? 0 : (int)found.gl_pathc;
	globfree(&found);
	return n;
}

/* The segment that has the name now, not the one that had it. */
static inline struct sfshm_segment_info resizing_look(void)
{
	struct sfshm_segment_info info = { .size = sizeof(info) };
	struct sfshm_view *view;

	watch_end();
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_segment(view, &info), 0);
	sfshm_view_close(view);
	return info;
}

/*
 * Waits until the successor has the name, and opens it: that tells the
 * predecessor that it has moved, as the resizer does next. So a call that
 * begins after this goes to the successor.
 */
static inline void resizing_await(uint32_t slots)
{
	assert_true(eventually(resizing_look().slots == slots));
	assert_int_equal(sfshm_close(segment_open(NULL)), 0);
}

/* How many wait for the key in the segment that is being replaced. */
static inline uint32_t resizing_waiters(const char *key)
{
	struct sfshm_slot_info info;
	struct sfshm_view *view;
	char path[512];
	uint32_t n = 0;

	snprintf(path, sizeof(path), "%s~", watch_path());
	if (sfshm_view_open(&view, path, NULL, 0))
		return 0;
	info.size = sizeof(info);
	for (uint32_t i = 0; !sfshm_view_slot(view, i, &info); i++)
		if (info.key_len == strlen(key) &&
		    !memcmp(info.key, key, info.key_len))
			n += info.waiters;
	sfshm_view_close(view);
	return n;
}

/* A segment in use by nobody is whole, and all of its names but one gone. */
static inline void resizing_settled(void)
{
	struct sfshm *own = segment_open(NULL);

	assert_sound(own);
	assert_int_equal(sfshm_close(own), 0);
	assert_int_equal(resizing_files(), 1);
}

/* Gets a text value; "" if there is none. */
static inline const char *resizing_get(struct sfshm *h, const char *key)
{
	static char text[64];
	struct sfshm_result got = SFSHM_RESULT_INIT;
	int n = 0;

	if (sfshm_get(h, key, strlen(key), &got) == SFSHM_CACHED)
		n = snprintf(text, sizeof(text), "%.*s", (int)got.value.len,
			     (const char *)got.value.data);
	text[n] = '\0';
	sfshm_result_clear(&got);
	return text;
}

/* Publishes a text that lasts, over whatever is there. Its generation. */
static inline uint64_t resizing_put(struct sfshm *h, const char *key,
				    const char *text)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result got = SFSHM_RESULT_INIT;
	struct sfshm_flight grip;
	uint64_t generation;

	demand(sfshm_begin(h, key, strlen(key), &policy, &grip, &got) ==
	       SFSHM_LEADER);
	generation = sfshm_flight_generation(&grip);
	demand(sfshm_publish(&grip, text, strlen(text)) == 0);
	sfshm_result_clear(&got);
	return generation;
}

#endif
