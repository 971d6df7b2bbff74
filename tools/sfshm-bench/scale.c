/* SPDX-License-Identifier: MIT */
/*
 * Hits while many threads are attached, against hits after these threads have
 * left: the same keys, in the same segment, in turns.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "bench.h"
#include "crowd.h"

#define KEYS 1000
#define MOST 1000
#define STACK 65536

enum { COME, LEAVE };

static struct sfshm *segment;
static struct bench_keys keys;
static struct crowd crowd; /* one process with all the threads */
static bool crowded;

static pthread_t threads[MOST];
static unsigned int count;
static pthread_barrier_t attached;
static uint32_t go_home;

static void *attach(void *handle)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	if (sfshm_get(handle, "-", 1, &result) != -ENODATA)
		bench_die("a thread cannot attach", -EUSERS);
	pthread_barrier_wait(&attached);
	while (!word_read(&go_home))
		futex_wait(&go_home, 0);
	return NULL;
}

static void come(void)
{
	static struct sfshm *handle;
	pthread_attr_t attr;
	int r = handle ? 0 : sfshm_open(&handle, bench_segment_name(), NULL);

	word_write(&go_home, 0);
	pthread_barrier_init(&attached, NULL, count + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK + PTHREAD_STACK_MIN);
	for (unsigned int i = 0; !r && i < count; i++)
		r = -pthread_create(&threads[i], &attr, attach, handle);
	if (r)
		bench_die("cannot attach threads", r);
	pthread_barrier_wait(&attached);
	pthread_barrier_destroy(&attached);
	pthread_attr_destroy(&attr);
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	(void)me;
	if (command == COME) {
		count = (unsigned int)page->arg;
		come();
		return;
	}
	word_write(&go_home, 1);
	futex_wake_all(&go_home);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

static void want_crowd(const struct bench *b, bool wanted)
{
	if (crowded == wanted)
		return;
	/* This thread is attached, too. */
	crowd_command(&crowd, wanted ? COME : LEAVE, b->size - 1);
	crowd_wait(&crowd);
	crowded = wanted;
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = KEYS, .participants = 2048 };

	(void)b;
	segment = bench_segment(&o);
	bench_fill(segment, KEYS, BENCH_KEY, BENCH_VALUE);
	bench_keys_make(&keys, BENCH_KEY, KEYS);
	crowd_start(&crowd, 1, member);
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	want_crowd(b, true);
	return bench_hits(segment, &keys, 0, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	want_crowd(b, false);
	return bench_hits(segment, &keys, 1, n);
}

static void clean_up(const struct bench *b)
{
	want_crowd(b, false);
	crowd_end(&crowd);
	bench_keys_free(&keys);
	bench_segment_close();
}

#define ATTACHED(title, text, participants, most)                             \
	{                                                                     \
		.name = (title), .peer = "sfshm, 1 attached", .what = (text), \
		.target = (most), .size = (participants), .batch = 200000,    \
		.turns = 4, .prepare = prepare, .ours = ours,                 \
		.theirs = theirs, .clean_up = clean_up,                       \
	}

const struct bench scale_benches[] = {
	ATTACHED("scale-attached-1", "hit, 1 attached: twice the same", 1, 0),
	ATTACHED("scale-attached-100", "hit, 100 attached", 100, 1.05),
	ATTACHED("scale-attached-1000", "hit, 1000 attached", 1000, 1.05),
	{ 0 },
};

const struct bench hit_by_participants[] = {
	ATTACHED("attached", "", 1, 0),
	ATTACHED("attached", "", 10, 0),
	ATTACHED("attached", "", 100, 0),
	ATTACHED("attached", "", 1000, 0),
	{ 0 },
};
