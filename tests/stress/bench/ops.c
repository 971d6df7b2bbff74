/* SPDX-License-Identifier: MIT */
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY "key 00000000000000000001" /* 24 bytes, as they are often */
#define KEY_LEN 24
#define VALUE_LEN 64
#define SLEEP_KEY "slept on"
#define HIT_KEY "key that is there, fresh"
#define TAGGED_KEY "key whose value has tags"              /* of 24 bytes */
#define LARGE_KEY "key of a large value, 4K"               /* of 24 bytes */
#define LONG_KEY "key that is there, longer than a slot's" /* and a NUL */
#define FULL 1000 /* keys that the full segment has room for */

/* What the other process is told to do. */
enum { SLEEP = 's', POLL = 'p', FINISH = 'f', LEAD = 'l', PUBLISH = 'w' };

/* Not inlined, so that callgrind can tell them apart. */
#define COUNTED __attribute__((noinline)) static void

static struct sfshm *handle, *shared;
static const struct sfshm_options shared_options = {
	.size = sizeof(shared_options),
};
static char shared_name[256];
static struct sfshm_result result = SFSHM_RESULT_INIT;
static struct sfshm_flight flight;
static char value[VALUE_LEN] = "value", large[4096];
static struct sfshm_queue *queue;
static struct sfshm_wait polled;
static pid_t sleeper;
static int to_sleeper[2], from_sleeper[2];

void ops_need(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s does not do what it should\n", what);
	exit(EXIT_FAILURE);
}

COUNTED counted_hit(void)
{
	ops_need(sfshm_get(handle, HIT_KEY, KEY_LEN, &result) == SFSHM_CACHED,
		 "sfshm_get()");
}

/* The value lies in one piece. */
COUNTED counted_hit_4k(void)
{
	ops_need(sfshm_get(handle, LARGE_KEY, KEY_LEN, &result) == SFSHM_CACHED,
		 "sfshm_get()");
}

/* The memory of a forgotten key is used again. */
COUNTED counted_forget_4k(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	ops_need(sfshm_begin(handle, KEY, KEY_LEN, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	ops_need(!sfshm_publish(&flight, large, sizeof(large)),
		 "sfshm_publish()");
	ops_need(!sfshm_forget(handle, KEY, KEY_LEN), "sfshm_forget()");
}

/* The handle is the process's shared one. */
COUNTED counted_hit_shared(void)
{
	ops_need(sfshm_get(shared, HIT_KEY, KEY_LEN, &result) == SFSHM_CACHED,
		 "sfshm_get()");
}

COUNTED counted_shared(void)
{
	ops_need(sfshm_shared(shared_name, &shared_options) == shared,
		 "sfshm_shared()");
}

/* The value carries as many tags as it can. */
COUNTED counted_hit_tagged(void)
{
	ops_need(sfshm_get(handle, TAGGED_KEY, KEY_LEN, &result) ==
			 SFSHM_CACHED,
		 "sfshm_get()");
}

/* The key is longer than a slot has room for: it lies elsewhere. */
COUNTED counted_hit_key40(void)
{
	ops_need(sfshm_get(handle, LONG_KEY, sizeof(LONG_KEY), &result) ==
			 SFSHM_CACHED,
		 "sfshm_get()");
}

/* The key is new each time, and the segment full: another one has to go. */
COUNTED counted_insert_full(void)
{
	static char key[KEY_LEN];
	static uint64_t serial;
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	serial++;
	memcpy(key, &serial, sizeof(serial));
	policy.ttl_ms = SFSHM_FOREVER;
	ops_need(sfshm_begin(handle, key, KEY_LEN, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	ops_need(!sfshm_publish(&flight, value, sizeof(value)),
		 "sfshm_publish()");
}

COUNTED counted_claim(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	ops_need(sfshm_begin(handle, KEY, KEY_LEN, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	ops_need(!sfshm_release(&flight), "sfshm_release()");
}

COUNTED counted_flight(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	ops_need(sfshm_begin(handle, KEY, KEY_LEN, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	ops_need(!sfshm_publish(&flight, value, sizeof(value)),
		 "sfshm_publish()");
}

/* The flight belongs to the process. */
COUNTED counted_flight_detached(void)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.flags = SFSHM_DETACHED;
	ops_need(sfshm_begin(handle, KEY, KEY_LEN, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	ops_need(!sfshm_publish(&flight, value, sizeof(value)),
		 "sfshm_publish()");
}

COUNTED counted_lock(void)
{
	struct sfshm_lock lock;

	ops_need(!sfshm_lock(handle, KEY, KEY_LEN, NULL, &lock),
		 "sfshm_lock()");
	ops_need(!sfshm_unlock(&lock), "sfshm_unlock()");
}

COUNTED counted_semaphore(void)
{
	struct sfshm_permit permit;

	ops_need(!sfshm_acquire(handle, KEY, KEY_LEN, NULL, &permit),
		 "sfshm_acquire()");
	ops_need(!sfshm_permit_release(&permit), "sfshm_permit_release()");
}

COUNTED counted_wake(void)
{
	ops_need(!sfshm_publish(&flight, value, sizeof(value)),
		 "sfshm_publish()");
}

/* The wake of a process that polls its wait. */
COUNTED counted_wake_polled(void)
{
	ops_need(!sfshm_publish(&flight, value, sizeof(value)),
		 "sfshm_publish()");
}

/* The value is there, and the library's thread has told the queue. */
COUNTED counted_finish(void)
{
	ops_need(sfshm_queue_next(queue, &polled) == 1, "sfshm_queue_next()");
	ops_need(sfshm_wait_finish(queue, &polled, &flight, &result) ==
			 SFSHM_AWAITED,
		 "sfshm_wait_finish()");
}

/* ---- the other process -------------------------------------------------- */

static void lead_slept_on(void)
{
	ops_need(sfshm_begin(handle, SLEEP_KEY, strlen(SLEEP_KEY), NULL,
			     &flight, &result) == SFSHM_LEADER,
		 "sfshm_begin()");
}

/* -EINPROGRESS: the wait goes on. */
static void begin_to_poll(void)
{
	if (!queue)
		ops_need(!sfshm_queue_open(&queue), "sfshm_queue_open()");
	ops_need(sfshm_begin_async(queue, handle, SLEEP_KEY, strlen(SLEEP_KEY),
				   NULL, &flight, &result,
				   &polled) == -EINPROGRESS,
		 "sfshm_begin_async()");
}

/* Waits until the queue has a wait to tell of. */
static void poll_queue(void)
{
	struct pollfd fd = { .fd = sfshm_queue_fd(queue), .events = POLLIN };

	ops_need(poll(&fd, 1, -1) == 1, "poll()");
}

static void obey(char command)
{
	switch (command) {
	case SLEEP:
		ops_need(sfshm_wait(handle, SLEEP_KEY, strlen(SLEEP_KEY), NULL,
				    &result) == SFSHM_AWAITED,
			 "sfshm_wait()");
		break;
	case POLL: begin_to_poll(); break;
	case FINISH:
		poll_queue();
		counted_finish();
		break;
	case LEAD: lead_slept_on(); break;
	default: counted_wake();
	}
}

/* Obeys each byte that it is sent, and answers with the same byte. */
_Noreturn void ops_sleep(const char *segment)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ops_need(!sfshm_open(&handle, segment, NULL), "sfshm_open()");
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		obey(byte);
		ops_need(write(STDOUT_FILENO, &byte, 1) == 1, "write()");
	}
	sfshm_close(handle);
	exit(EXIT_SUCCESS);
}

/* By exec, so that valgrind leaves it alone and it sleeps for real. */
static void start_sleeper(const char *segment, const char *program)
{
	char *argv[] = { strdup(program), "--sleep", strdup(segment), NULL };
	posix_spawn_file_actions_t actions;

	ops_need(!pipe2(to_sleeper, O_CLOEXEC) &&
			 !pipe2(from_sleeper, O_CLOEXEC),
		 "pipe2()");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to_sleeper[0], 0);
	posix_spawn_file_actions_adddup2(&actions, from_sleeper[1], 1);
	ops_need(!posix_spawn(&sleeper, program, &actions, NULL, argv, environ),
		 "posix_spawn()");
	posix_spawn_file_actions_destroy(&actions);
	free(argv[0]);
	free(argv[2]);
}

static int asleep(void)
{
	char path[32], text[256] = "", *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)sleeper);
	f = fopen(path, "re");
	ops_need(f && fgets(text, sizeof(text), f), path);
	fclose(f);
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

static void tell(char command)
{
	ops_need(write(to_sleeper[1], &command, 1) == 1, "write()");
}

static void hear(void)
{
	char byte;

	ops_need(read(from_sleeper[0], &byte, 1) == 1, "the other process");
}

/* The slot counts the waiter before it sleeps; then it only goes to sleep. */
static void have_it_sleep(void)
{
	struct timespec tick = { .tv_nsec = 200000 };

	lead_slept_on();
	tell(SLEEP);
	while (sfshm_flight_waiters(&flight) != 1 || !asleep())
		nanosleep(&tick, NULL);
}

static void have_it_poll(void)
{
	lead_slept_on();
	tell(POLL);
	hear();
}

static void have_it_finish(void)
{
	tell(FINISH);
	hear();
}

static void have_it_publish(void)
{
	tell(LEAD);
	hear();
	begin_to_poll();
	tell(PUBLISH);
	hear();
	poll_queue();
}

/* ------------------------------------------------------------------------ */

static void publish_for_good(const char *key, size_t len, const void *data,
			     size_t size)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	ops_need(sfshm_begin(handle, key, len, &policy, &flight, &result) ==
				 SFSHM_LEADER &&
			 !sfshm_publish(&flight, data, size),
		 "publishing");
}

static void publish_with_tags(const char *key, size_t len)
{
	static const char tags[SFSHM_TAGS_MAX] = "abcd";
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.ttl_ms = SFSHM_FOREVER;
	ops_need(sfshm_begin(handle, key, len, &policy, &flight, &result) ==
			 SFSHM_LEADER,
		 "sfshm_begin()");
	for (int i = 0; i < SFSHM_TAGS_MAX; i++)
		ops_need(!sfshm_flight_tag(&flight, &tags[i], 1),
			 "sfshm_flight_tag()");
	ops_need(!sfshm_publish(&flight, value, sizeof(value)), "publishing");
}

void ops_open(const char *segment, const char *program, const struct op *op)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		/* Many, so that two keys hardly ever share a bucket. */
		.slots = op->full ? FULL : 65536,
		.bytes = op->full ? FULL * VALUE_LEN : 16 << 20,
	};

	ops_need(!sfshm_open(&handle, segment, &o), "sfshm_open()");
	snprintf(shared_name, sizeof(shared_name), "%s", segment);
	shared = sfshm_shared(shared_name, &shared_options);
	ops_need(shared != NULL, "sfshm_shared()");
	publish_for_good(HIT_KEY, KEY_LEN, value, sizeof(value));
	if (!op->full)
		publish_for_good(LARGE_KEY, KEY_LEN, large, sizeof(large));
	publish_with_tags(TAGGED_KEY, KEY_LEN);
	publish_for_good(LONG_KEY, sizeof(LONG_KEY), value, sizeof(value));
	for (int i = 0; op->full && i < FULL; i++)
		counted_insert_full();
	start_sleeper(segment, program);
}

void ops_close(void)
{
	close(to_sleeper[1]);
	waitpid(sleeper, NULL, 0);
	if (queue)
		sfshm_queue_close(queue);
	sfshm_close(handle);
}

const struct op ops[] = {
	{ .name = "hit", .run = counted_hit },
	{ .name = "hit_4k", .run = counted_hit_4k },
	{ .name = "forget_4k", .run = counted_forget_4k },
	{ .name = "hit_shared", .run = counted_hit_shared },
	{ .name = "shared", .run = counted_shared },
	{ .name = "hit_tagged", .run = counted_hit_tagged },
	{ .name = "hit_key40", .run = counted_hit_key40 },
	{ .name = "claim", .run = counted_claim },
	{ .name = "flight", .run = counted_flight },
	{ .name = "flight_detached", .run = counted_flight_detached },
	{ .name = "insert_full", .full = true, .run = counted_insert_full },
	{ .name = "lock", .run = counted_lock },
	{ .name = "semaphore", .run = counted_semaphore },
	{
		.name = "wake",
		.before = have_it_sleep,
		.run = counted_wake,
		.after = hear,
	},
	{
		.name = "wake_polled",
		.before = have_it_poll,
		.run = counted_wake_polled,
		.after = have_it_finish,
	},
	{
		.name = "finish",
		.before = have_it_publish,
		.run = counted_finish,
	},
	{ 0 },
};
