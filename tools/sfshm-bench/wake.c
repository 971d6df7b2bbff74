/* SPDX-License-Identifier: MIT */
/*
 * The time from a publish until the last of N follower processes has the bytes,
 * against the time from one bare FUTEX_WAKE until the last of N processes runs.
 * Each of the N processes reads the clock, which all processes share.
 */
#include <errno.h>
#include <string.h>

#include "bench.h"
#include "crowd.h"

enum { ATTACH, FOLLOW, SLEEP, SLEEP_ON_THREE };

static struct crowd crowd;
static struct sfshm *segment;  /* the parent's */
static struct sfshm *attached; /* a follower's */
static char key[BENCH_KEY];

/* In a page of its own, so that its cache line has nothing else. */
static uint32_t *word;

/* The 64 bytes that a "-limit" case hands over, two lines after the word. */
static char *bytes_at(void)
{
	return (char *)word + 128;
}

static void follow(struct crowd_page *page, unsigned int me)
{
	static struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r;

	crowd_ready(page);
	r = sfshm_begin(attached, key, sizeof(key), NULL, &flight, &result);
	page->member[me].at = bench_now();
	if (r != SFSHM_AWAITED || result.value.len != BENCH_VALUE)
		bench_die("a follower did not follow", r);
}

static void member(struct crowd_page *page, unsigned int me, uint32_t command)
{
	uint32_t value = word_read(word);
	char handed[BENCH_VALUE] = "";
	int r;

	if (command == ATTACH) {
		struct sfshm_result result = SFSHM_RESULT_INIT;

		r = sfshm_open(&attached, bench_segment_name(), NULL);
		if (!r && sfshm_get(attached, "-", 1, &result) != -ENODATA)
			r = -EPROTO;
		if (r)
			bench_die("a follower cannot attach", r);
	} else if (command == FOLLOW) {
		follow(page, me);
	} else {
		crowd_ready(page);
		while (word_read(word) == value) {
			if (command == SLEEP)
				futex_wait(word, value);
			else
				futex_wait_three(word, value);
		}
		if (command == SLEEP_ON_THREE)
			memcpy(handed, bytes_at(), sizeof(handed));
		bench_use(handed);
		page->member[me].at = bench_now();
	}
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = { .slots = 64, .bytes = 65536 };

	bench_key(key, 1);
	word = bench_share(4096);
	segment = bench_segment(&o);
	crowd_start(&crowd, (unsigned int)b->size, member);
	crowd_command(&crowd, ATTACH, 0);
	crowd_wait(&crowd);
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char value[BENCH_VALUE] = "value";
	struct sfshm_flight flight;
	uint64_t took = 0, start;
	int r;

	while (n--) {
		r = sfshm_begin(segment, key, sizeof(key), NULL, &flight,
				&result);
		if (r != SFSHM_LEADER)
			bench_die("cannot lead", r);
		crowd_command(&crowd, FOLLOW, 0);
		crowd_wait_asleep(&crowd);
		if (sfshm_flight_waiters(&flight) != b->size)
			bench_die("followers are missing", -EAGAIN);
		start = bench_now();
		r = sfshm_publish(&flight, value, sizeof(value));
		if (r)
			bench_die("cannot publish", r);
		crowd_wait(&crowd);
		took += crowd_last(&crowd) - start;
	}
	sfshm_result_clear(&result);
	return took;
}

static uint64_t wake_all(uint32_t command, uint64_t n)
{
	uint64_t took = 0, start;

	while (n--) {
		crowd_command(&crowd, command, 0);
		crowd_wait_asleep(&crowd);
		start = bench_now();
		if (command == SLEEP_ON_THREE)
			memset(bytes_at(), (int)n, BENCH_VALUE);
		word_add(word, 1);
		futex_wake_all(word);
		crowd_wait(&crowd);
		took += crowd_last(&crowd) - start;
	}
	return took;
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	(void)b;
	return wake_all(SLEEP, n);
}

/*
 * A follower must learn of its leader's death, so it sleeps on more words than
 * one. It gets a value, so it reads bytes that another processor has just
 * written. This peer does both.
 */
static uint64_t limit(const struct bench *b, uint64_t n)
{
	(void)b;
	return wake_all(SLEEP_ON_THREE, n);
}

static void clean_up(const struct bench *b)
{
	(void)b;
	crowd_end(&crowd);
	bench_segment_close();
}

#define WAKE(title, text, followers, most, turns_)                          \
	{                                                                   \
		.name = (title), .peer = "bare FUTEX_WAKE", .what = (text), \
		.target = (most), .size = (followers), .batch = 1,          \
		.turns = (turns_), .prepare = prepare, .ours = ours,        \
		.theirs = theirs, .clean_up = clean_up,                     \
	}

#define LIMIT(title, text, followers, turns_)                                 \
	{                                                                     \
		.name = (title), .peer = "FUTEX_WAKE, futex_waitv, 64 bytes", \
		.what = (text), .size = (followers), .batch = 1,              \
		.turns = (turns_), .prepare = prepare, .ours = ours,          \
		.theirs = limit, .clean_up = clean_up,                        \
	}

const struct bench wake_benches[] = {
	WAKE("wake-1", "publish until the follower has it", 1, 1.15, 32),
	LIMIT("wake-1-limit", "the same", 1, 32),
	WAKE("wake-16", "publish until 16 followers have it", 16, 1.15, 20),
	LIMIT("wake-16-limit", "the same", 16, 20),
	WAKE("wake-64", "publish until 64 followers have it", 64, 1.15, 12),
	LIMIT("wake-64-limit", "the same", 64, 12),
	{ 0 },
};

const struct bench wake_by_waiters[] = {
	WAKE("wake", "wake", 1, 0, 16),  WAKE("wake", "wake", 4, 0, 16),
	WAKE("wake", "wake", 16, 0, 12), WAKE("wake", "wake", 32, 0, 12),
	WAKE("wake", "wake", 64, 0, 12), { 0 },
};
