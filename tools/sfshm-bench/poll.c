/* SPDX-License-Identifier: MIT */
/*
 * Waits that are polled, against waits that sleep: the time from a publish
 * until the last of N processes has the bytes; and from a publish until one
 * process has finished 10 000 waits. A "-limit" case's peer is a thread that
 * sleeps on a futex and makes a descriptor readable: a process cannot poll a
 * futex, so it cannot do with less.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "bench.h"
#include "crowd.h"

enum { ATTACH, FOLLOW, POLL, RELAY };

static struct crowd crowd;
static struct sfshm *segment;  /* the parent's */
static struct sfshm *attached; /* a member's */
static struct sfshm_queue *queue;
static struct sfshm_result result = SFSHM_RESULT_INIT;
static char key[BENCH_KEY];
static uint64_t waits; /* of each member */

/* In a page of its own: the futex word of the relays, and what they hand on. */
static uint32_t *word;
static int relayed; /* a member's eventfd */

static char *bytes_at(void)
{
	return (char *)word + 128;
}

static void check(int r)
{
	if (r != SFSHM_AWAITED || result.value.len != BENCH_VALUE)
		bench_die("a follower did not follow", r);
}

/* A member's thread: makes `relayed` readable whenever the word changes. */
static void *relay(void *arg)
{
	uint32_t seen = 0;

	(void)arg;
	for (;;) {
		while (word_read(word) == seen)
			futex_wait_three(word, seen);
		seen = word_read(word);
		if (eventfd_write(relayed, 1))
			bench_die("eventfd", -errno);
	}
	return NULL;
}

static void start_relay(void)
{
	pthread_t thread;

	relayed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (relayed < 0 || pthread_create(&thread, NULL, relay, NULL))
		bench_die("a member cannot relay", -EAGAIN);
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

static void poll_relay(void)
{
	struct pollfd fd = { .fd = relayed, .events = POLLIN };
	char handed[BENCH_VALUE];
	eventfd_t times;

	while (eventfd_read(relayed, &times))
		poll(&fd, 1, -1);
	memcpy(handed, bytes_at(), sizeof(handed));
	bench_use(handed);
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	struct sfshm_flight flight;
	struct sfshm_wait wait;
	int r = -EINPROGRESS;

	if (command == ATTACH) {
		attach();
		if (page->arg)
			start_relay();
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
	else if (command == POLL)
		finish_all();
	else
		poll_relay();
	page->member[me].at = bench_now();
	if (command == FOLLOW)
		check(r);
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

static uint64_t limit(const struct bench *b, uint64_t n)
{
	uint64_t took = 0, start;

	(void)b;
	while (n--) {
		crowd_command(&crowd, RELAY, 0);
		crowd_wait_asleep(&crowd);
		start = bench_now();
		memset(bytes_at(), (int)n, BENCH_VALUE);
		word_add(word, 1);
		futex_wake_all(word);
		crowd_wait(&crowd);
		took += crowd_last(&crowd) - start;
	}
	return took;
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	bench_key(key, 1);
	waits = b->value ? b->value : 1;
	segment = bench_segment(&o);
	word = bench_share(4096);
	crowd_start(&crowd, (unsigned int)b->size, member);
	crowd_command(&crowd, ATTACH, b->theirs == limit);
	crowd_wait(&crowd);
	return NULL;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	crowd_end(&crowd);
	munmap(word, 4096);
	bench_segment_close();
}

#define POLLING(title, text, processes, each, most, turns_)               \
	{                                                                 \
		.name = (title), .peer = "sfshm_begin()", .what = (text), \
		.target = (most), .size = (processes), .value = (each),   \
		.batch = 1, .turns = (turns_), .prepare = prepare,        \
		.ours = ours, .theirs = theirs, .clean_up = clean_up,     \
	}

#define LIMIT(title, processes, turns_)                              \
	{                                                            \
		.name = (title), .peer = "a thread and an eventfd",  \
		.what = "the same", .size = (processes), .batch = 1, \
		.turns = (turns_), .prepare = prepare, .ours = ours, \
		.theirs = limit, .clean_up = clean_up,               \
	}

const struct bench poll_benches[] = {
	POLLING("poll-1", "publish until a process that polls has it", 1, 0,
		1.3, 32),
	LIMIT("poll-1-limit", 1, 32),
	POLLING("poll-16", "publish until 16 processes that poll have it", 16,
		0, 1.3, 20),
	LIMIT("poll-16-limit", 16, 20),
	POLLING("poll-64", "publish until 64 processes that poll have it", 64,
		0, 1.3, 12),
	LIMIT("poll-64-limit", 64, 12),
	POLLING("poll-10000",
		"publish until a process has finished 10 000 waits", 1, 10000,
		0, 4),
	{ 0 },
};
