/* SPDX-License-Identifier: MIT */
/*
 * Waits that are polled, against waits that sleep: the time from a publish
 * until the last of N processes has the bytes; and from a publish until one
 * process has finished 10 000 waits.
 */
#include <errno.h>
#include <poll.h>

#include "bench.h"
#include "crowd.h"

enum { ATTACH, FOLLOW, POLL };

static struct crowd crowd;
static struct sfshm *segment;  /* the parent's */
static struct sfshm *attached; /* a member's */
static struct sfshm_queue *queue;
static struct sfshm_result result = SFSHM_RESULT_INIT;
static char key[BENCH_KEY];
static uint64_t waits; /* of each member */

static void check(int r)
{
	if (r != SFSHM_AWAITED || result.value.len != BENCH_VALUE)
		bench_die("a follower did not follow", r);
}

static void attach(void)
{
	int r = sfshm_open(&attached, bench_segment_name(), NULL);

	if (!r && sfshm_get(attached, "-", 1, &result) != -ENODATA)
		r = -EPROTO;
	if (!r)
		r = sfshm_queue_open(&queue);
	if (r)
		bench_die("a follower cannot attach", r);
}

static void finish_all(void)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(queue), .events = POLLIN };
	struct sfshm_flight flight;
	struct sfshm_wait wait;
	uint64_t left = waits;

	while (left) {
		poll(&fd, 1, -1);
		while (sfshm_queue_next(queue, &wait) == 1) {
			check(sfshm_wait_finish(queue, &wait, &flight,
						&result));
			left--;
		}
	}
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	struct sfshm_flight flight;
	struct sfshm_wait wait;
	int r = -EINPROGRESS;

	if (command == ATTACH) {
		attach();
		return;
	}
	for (uint64_t i = 0; command == POLL && i < waits; i++)
		if (sfshm_begin_async(queue, attached, key, sizeof(key), NULL,
				      &flight, &result, &wait) != -EINPROGRESS)
			bench_die("a wait cannot begin", -EINVAL);
	crowd_ready(page);
	if (command == FOLLOW)
		r = sfshm_begin(attached, key, sizeof(key), NULL, &flight,
				&result);
	else
		finish_all();
	page->member[me].at = bench_now();
	if (command == FOLLOW)
		check(r);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	bench_key(key, 1);
	waits = b->value ? b->value : 1;
	segment = bench_segment(&o);
	crowd_start(&crowd, (unsigned int)b->size, member);
	crowd_command(&crowd, ATTACH, 0);
	crowd_wait(&crowd);
	return NULL;
}

static uint64_t publish(const struct bench *b, uint32_t command, uint64_t n)
{
	uint64_t expected = command == POLL ? b->size * waits : b->size;
	char value[BENCH_VALUE] = "value";
	struct sfshm_flight flight;
	uint64_t took = 0, start;

	while (n--) {
		int r = sfshm_begin(segment, key, sizeof(key), NULL, &flight,
				    &result);

		if (r != SFSHM_LEADER)
			bench_die("cannot lead", r);
		crowd_command(&crowd, command, 0);
		crowd_wait_asleep(&crowd);
		if (sfshm_flight_waiters(&flight) != expected)
			bench_die("followers are missing", -EAGAIN);
		start = bench_now();
		r = sfshm_publish(&flight, value, sizeof(value));
		if (r)
			bench_die("cannot publish", r);
		crowd_wait(&crowd);
		took += crowd_last(&crowd) - start;
	}
	return took;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	return publish(b, POLL, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	return publish(b, FOLLOW, n);
}

static void clean_up(const struct bench *b)
{
	(void)b;
	crowd_end(&crowd);
	bench_segment_close();
}

#define POLLING(title, text, processes, each, turns_)                     \
	{                                                                 \
		.name = (title), .peer = "sfshm_begin()", .what = (text), \
		.size = (processes), .value = (each), .batch = 1,         \
		.turns = (turns_), .prepare = prepare, .ours = ours,      \
		.theirs = theirs, .clean_up = clean_up,                   \
	}

const struct bench poll_benches[] = {
	POLLING("poll-1", "publish until a process that polls has it", 1, 0,
		32),
	POLLING("poll-16", "publish until 16 processes that poll have it", 16,
		0, 20),
	POLLING("poll-64", "publish until 64 processes that poll have it", 64,
		0, 12),
	POLLING("poll-10000",
		"publish until a process has finished 10 000 waits", 1, 10000,
		4),
	{ 0 },
};
