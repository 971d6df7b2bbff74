/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys.h"
#include "os/killpoint.h"
#include "outside.h"

/* Of each region the last page has room that is no part of it. */
const struct sfshm_options image_shape = {
	.size = sizeof(image_shape),
	.slots = 20,
	.participants = 6,
	.bytes = 7168,
	.max_value = 3000,
};

static struct {
	uint8_t *bytes; /* NULL: none such */
	size_t size;
} images[64 + KILL_POINTS];

static struct sfshm_result result = SFSHM_RESULT_INIT;

static void publish(struct sfshm *h, unsigned int n, size_t len, uint32_t ttl)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH | SFSHM_TRY,
		.ttl_ms = ttl,
	};
	static const uint8_t data[4096];
	struct sfshm_flight flight;
	struct key key = key_of(n);

	if (sfshm_begin(h, key.bytes, key.len, &policy, &flight, &result) ==
		    SFSHM_LEADER &&
	    sfshm_publish(&flight, data, len))
		sfshm_release(&flight);
}

/* A message as long as may be. */
static const char *many_words(void)
{
	static char words[SFSHM_MESSAGE_MAX];

	memset(words, 'w', sizeof(words) - 1);
	return words;
}

static void fail(struct sfshm *h, unsigned int n)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH | SFSHM_TRY,
		.neg_ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_flight flight;
	struct key key = key_of(n);

	if (sfshm_begin(h, key.bytes, key.len, &policy, &flight, &result) ==
	    SFSHM_LEADER)
		(void)!sfshm_fail(&flight, -5, n % 2 ? "a word" : many_words());
}

static void lead(struct sfshm *h, unsigned int n)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH | SFSHM_TRY,
		.lock_age_ms = n % 2 ? 50 : 0,
	};
	static struct sfshm_flight flights[KEYS];
	struct key key = key_of(n);

	(void)!sfshm_begin(h, key.bytes, key.len, &policy, &flights[n],
			   &result);
}

static void pin(struct sfshm *h, unsigned int n)
{
	static struct sfshm_pin pins[KEYS];
	struct key key = key_of(n);

	(void)!sfshm_pin(h, key.bytes, key.len, &pins[n], &result);
}

static void leave_empty(struct sfshm *h)
{
	struct key key = key_of(0);

	(void)!sfshm_get(h, key.bytes, key.len, &result);
}

static void leave_values(struct sfshm *h)
{
	for (unsigned int i = 0; i < KEYS; i++)
		publish(h, i, i * 53u, i % 4 ? SFSHM_FOREVER : 1000);
	fail(h, 1);
	fail(h, KEYS - 2);
}

static void leave_busy(struct sfshm *h)
{
	leave_values(h);
	for (unsigned int i = 0; i < KEYS; i += 2)
		lead(h, i);
}

static void leave_pins(struct sfshm *h)
{
	leave_values(h);
	for (unsigned int i = 2; i < KEYS; i += 3)
		pin(h, i);
	for (unsigned int i = 2; i < KEYS; i += 6)
		publish(h, i, 700, SFSHM_FOREVER);
}

/* More keys and bytes than there is room for. */
static void leave_full(struct sfshm *h)
{
	leave_values(h);
	for (unsigned int i = KEYS; i < KEYS + 20; i++)
		publish(h, i, i * 40u, SFSHM_FOREVER);
}

/* Passes nearly every kill point. */
static void do_everything(struct sfshm *h)
{
	struct key key = key_of(5);

	leave_pins(h);
	leave_full(h);
	(void)!sfshm_forget(h, key.bytes, key.len);
	lead(h, 5);
	(void)!sfshm_verify(h, NULL, NULL);
	(void)!sfshm_purge(h);
	leave_full(h);
}

struct story {
	void (*leave)(struct sfshm *h);
	int dies;
	enum kill_point where;
};

static void live(int fd, int told, const struct story *story)
{
	struct sfshm *h;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sfshm_open_fd(&h, fd, NULL))
		abort();
	if (story->where)
		killpoint_arm(story->where, 1, SIGKILL);
	story->leave(h);
	if (story->dies)
		raise(SIGKILL);
	if (write(told, "", 1) != 1)
		abort();
	for (;;)
		pause();
}

static void keep(unsigned int number, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		abort();
	images[number].size = (size_t)st.st_size;
	images[number].bytes = malloc(images[number].size);
	if (pread(fd, images[number].bytes, images[number].size, 0) !=
	    st.st_size)
		abort();
}

/* A copy of the segment as one process leaves it, dead or alive. */
static void make(unsigned int number, const struct story *story)
{
	int fd = sfshm_memfd("fuzz", &image_shape), pipes[2];
	int missed = 0;
	char byte;
	pid_t pid;

	if (fd < 0 || pipe(pipes))
		abort();
	pid = fork();
	if (!pid)
		live(fd, pipes[1], story);
	close(pipes[1]);
	if (pid < 0)
		abort();
	if (read(pipes[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
	} else if (story->where) {
		missed = 1;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (!missed)
		keep(number, fd);
	close(pipes[0]);
	close(fd);
}

void image_make_all(void)
{
	static const struct story stories[] = {
		{ .leave = leave_empty },
		{ .leave = leave_values },
		{ .leave = leave_busy },
		{ .leave = leave_pins },
		{ .leave = leave_full },
		{ .leave = leave_busy, .dies = 1 },
		{ .leave = leave_pins, .dies = 1 },
	};
	struct story death = { .leave = do_everything };

	outside_begin();
	for (unsigned int i = 0; i < sizeof(stories) / sizeof(*stories); i++)
		make(i, &stories[i]);
	for (unsigned int i = 1; i < KILL_POINTS; i++) {
		death.where = (enum kill_point)i;
		make(63 + i, &death);
	}
}

const uint8_t *image_get(unsigned int number, size_t *size)
{
	if (number >= sizeof(images) / sizeof(*images) || !images[number].bytes)
		number = 1;
	*size = images[number].size;
	return images[number].bytes;
}

unsigned int image_count(void)
{
	return sizeof(images) / sizeof(*images);
}
