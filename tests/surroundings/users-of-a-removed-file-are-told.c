/* SPDX-License-Identifier: MIT */
/*
 * A user of a segment whose file is removed or replaced learns of it at the
 * next call after half a second, and at the end of what it holds. The call
 * answers -ESHUTDOWN, or goes on in the segment that has the name then. A
 * segment that never had a name, or that may only be hidden from a process, is
 * left alone.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <sfshm/lock.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

/* Past the time at which the next look is due. */
#define A_WHILE "clock 600"

static void remove_file(void)
{
	watch_end();
	assert_int_equal(unlink(watch_path()), 0);
}

static void at_their_next_call(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish value");
	agent_expect(a, "cached value", "get key");
	remove_file();
	agent_expect(a, "ok", A_WHILE);
	agent_expect(a, "-ESHUTDOWN", "get key");
	agent_expect(a, "-ESHUTDOWN", "begin key");
	agent_expect(a, "-ESHUTDOWN", "lock key");
	agent_expect(a, "-ESHUTDOWN", "acquire permits max=1");
	agent_expect(a, "ok", "close");
}

/* One has looked: the others need not. */
static void at_once_if_one_has_seen_it(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish value");
	agent_expect(b, "cached value", "get key");
	remove_file();
	agent_expect(a, "ok", A_WHILE);
	agent_expect(a, "-ESHUTDOWN", "get key");
	agent_expect(b, "-ESHUTDOWN", "get key");
}

/* The thing is ended all the same. */
static void as_they_end_what_they_hold(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(a, "ok", "acquire permits max=1");
	agent_expect(a, "@t leader", "@t begin key");
	agent_expect(a, "@u leader", "@u begin other");
	agent_expect(a, "@v leader", "@v begin third");
	remove_file();
	agent_expect(a, "ok", A_WHILE);
	agent_expect(a, "-ESHUTDOWN", "unlock key");
	agent_expect(a, "-ESHUTDOWN", "give-back");
	agent_expect(a, "ok", "give-back-again");
	agent_expect(a, "@t -ESHUTDOWN", "@t publish value");
	agent_expect(a, "@t -ESTALE", "@t publish value");
	agent_expect(a, "@u -ESHUTDOWN", "@u fail 5 no");
	agent_expect(a, "@v -ESHUTDOWN", "@v release");
}

/* What sfshm_do() is asked for is the value, and that is good. */
static void but_work_gives_its_result(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "computed work", "do key work");
	remove_file();
	agent_expect(a, "computed work", "do other work");
}

/* Each for himself: of several the first wakes the others. */
static void in_their_sleep(void **state)
{
	static const char *const ways[][2] = {
		{ "begin key", "leader" },
		{ "lock key", "locked" },
		{ "acquire key max=1", "ok" },
	};

	for (int i = 0; i < 3; i++) {
		struct agent *a = agent_start(), *b = agent_start();

		agent_expect(a, ways[i][1], "%s", ways[i][0]);
		agent_say(b, "%s", ways[i][0]);
		await_waiters("key", 1);
		remove_file();
		agent_answers(b, "-ESHUTDOWN");
		agent_end_all();
		segment_setup(state);
	}
}

/* Woken by who has seen it: these never look for themselves. */
static void in_the_deepest_sleep(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	remove_file();
	agent_expect(a, "ok", A_WHILE);
	agent_expect(a, "-ESHUTDOWN", "get key");
	agent_answers(b, "-ESHUTDOWN");
}

static void and_go_on_in_the_new_one(void **state)
{
	struct agent *a = agent_start();
	struct sfshm *h;

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish old");
	remove_file();
	h = segment_open(NULL);
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish new");
	agent_expect(a, "0", "verify");
	assert_int_equal(sfshm_close(h), 0);
}

/* By its name, for the descriptor is gone, or has links still. */
static void if_it_is_replaced(void **state)
{
	char other[300];

	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		struct agent *a = agent_start();

		agent_expect(a, "locked", "lock key");
		if (closed)
			agent_expect(a, "ok", "close-range");
		snprintf(other, sizeof(other), "%s.other", watch_path());
		watch_end();
		assert_int_equal(rename(watch_path(), other), 0);
		assert_int_equal(sfshm_close(segment_open(NULL)), 0);
		agent_expect(a, "ok", A_WHILE);
		agent_expect(a, "-ESHUTDOWN", "unlock key");
		agent_expect(a, "ok", "clock 100");
		agent_expect(a, "locked", "lock key");
		agent_expect(a, "ok", "unlock key");
		assert_int_equal(unlink(other), 0);
	}
}

static void not_of_a_memfd(void **state)
{
	struct sfshm *h;
	struct sfshm_lock lock;

	(void)state;
	assert_int_equal(sfshm_open_fd(&h, sfshm_memfd("test", NULL), NULL), 0);
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	clock_advance(600);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_lock(h, "key", 3, NULL, &lock), 0);
	assert_int_equal(sfshm_unlock(&lock), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* Another folder, with a file of that name on the same file system. */
static void in_another_root(int closed, void *unused)
{
	struct sfshm *h = segment_open(NULL);
	char folder[] = "/dev/shm/sfshm-test.XXXXXX", name[400];
	struct sfshm_lock lock;
	int fd;

	(void)unused;
	demand(sfshm_lock(h, "key", 3, NULL, &lock) == 0);
	if (closed)
		demand(close_range(3, ~0U, 0) == 0);
	demand(mkdtemp(folder) != NULL);
	demand(unshare(CLONE_NEWNS) == 0);
	demand(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	snprintf(name, sizeof(name), "%s%s", folder,
		 strrchr(watch_path(), '/'));
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	demand(fd >= 0);
	demand(mount(folder, "/dev/shm", NULL, MS_BIND, NULL) == 0);
	clock_advance(600);
	demand(sfshm_unlock(&lock) == 0);
	demand(umount("/dev/shm") == 0);
	demand(unlink(name) == 0 && rmdir(folder) == 0);
}

static void not_if_it_is_hidden(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(child_gone(child_start(in_another_root, 0, NULL)), 0);
	assert_int_equal(child_gone(child_start(in_another_root, 1, NULL)), 0);
}

/* Who marks it and dies wakes nobody: those who sleep look for themselves. */
static void if_who_sees_it_dies(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct agent *c = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(c, "-ENODATA", "get key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_expect(c, "ok", "arm removal_marked 1 KILL");
	remove_file();
	agent_expect(c, "ok", A_WHILE);
	agent_say(c, "get key");
	agent_gone(c);
	agent_answers(b, "-ESHUTDOWN");
	agent_expect(a, "-ESHUTDOWN", "unlock key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(at_their_next_call),
		in_segment(at_once_if_one_has_seen_it),
		in_segment(as_they_end_what_they_hold),
		in_segment(but_work_gives_its_result),
		in_segment(in_their_sleep),
		in_segment(in_the_deepest_sleep),
		in_segment(and_go_on_in_the_new_one),
		in_segment(if_it_is_replaced),
		in_segment(not_of_a_memfd),
		in_segment(not_if_it_is_hidden),
		in_segment(if_who_sees_it_dies),
	};

	return test_main(tests);
}
