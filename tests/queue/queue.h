/* SPDX-License-Identifier: MIT */
/* A queue of this process's, beside agents that lead. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include <dirent.h>
#include <poll.h>
#include <sfshm/queue.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

#define POLICY(...)                                                   \
	(&(struct sfshm_policy){ .size = sizeof(struct sfshm_policy), \
				 __VA_ARGS__ })
#define DETACHED(...) POLICY(.flags = SFSHM_DETACHED, __VA_ARGS__)

static struct sfshm *h;
static struct sfshm_queue *queue;
static struct sfshm_flight flight;
static struct sfshm_result result = SFSHM_RESULT_INIT;

static int queue_setup(void **state)
{
	segment_setup(state);
	h = segment_open(NULL);
	assert_int_equal(sfshm_queue_open(&queue), 0);
	return 0;
}

static int queue_teardown(void **state)
{
	assert_int_equal(sfshm_queue_close(queue), 0);
	(void)sfshm_close(h);
	free(result.value.data);
	result = (struct sfshm_result)SFSHM_RESULT_INIT;
	return segment_teardown(state);
}

#define in_queue(f) \
	cmocka_unit_test_setup_teardown(f, queue_setup, queue_teardown)

static inline int begin(const char *key, const struct sfshm_policy *policy,
			struct sfshm_wait *wait)
{
	return sfshm_begin_async(queue, h, key, strlen(key), policy, &flight,
				 &result, wait);
}

static inline int finish(const struct sfshm_wait *wait)
{
	return sfshm_wait_finish(queue, wait, &flight, &result);
}

/* Whether the descriptor is readable now, or within so many ms. */
static inline bool readable(int ms)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(queue), .events = POLLIN };

	assert_true(fd.fd >= 0);
	return poll(&fd, 1, ms) == 1;
}

/* Waits until the queue has a wait to tell of, and takes it. */
static inline struct sfshm_wait told(void)
{
	struct sfshm_wait wait = { 0 };
	int r;

	/* A wait that was finished untold may have left it readable. */
	do {
		assert_true(readable(PATIENCE_MS));
		r = sfshm_queue_next(queue, &wait);
	} while (r == 0);
	assert_int_equal(r, 1);
	return wait;
}

/* Finishes what is told, and leads or not, until one is no -EINPROGRESS. */
static inline int finished(void)
{
	int r;

	do {
		struct sfshm_wait wait = told();

		r = finish(&wait);
	} while (r == -EINPROGRESS);
	return r;
}

static inline int threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	int n = -2; /* "." and ".." */

	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

#define assert_value(text)                                        \
	do {                                                      \
		assert_int_equal(result.value.len, strlen(text)); \
		assert_memory_equal(result.value.data, text,      \
				    result.value.len);            \
	} while (0)

#endif
