/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C20: while a segment is replaced, those that hold a lock shared in
 * the old segment hold it, and the resize waits for them. So it is with a
 * segment whose file is removed.
 */
#include "agent.h"
#include "resize/resizing.h"

static void wait_for_the_switch(struct resizing *z)
{
	assert_true(eventually(load_acquire(&z->calls) > 0));
}

static void shared_in_both_segments(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock key shared rank=5");
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_expect(b, "locked", "lock key shared");
	agent_expect(c, "-EBUSY", "lock key try");
	agent_expect(c, "-ETIMEDOUT", "lock key timeout=20");
	agent_expect(a, "-EDEADLK", "lock key");
	agent_expect(a, "-EDEADLK", "lock key shared");
	agent_expect(a, "-EDOM", "lock other rank=5");
	agent_expect(b, "ok", "unlock key");
	agent_expect(c, "-EBUSY", "lock key try");
	agent_say(c, "lock key");
	assert_true(eventually(resizing_waiters("key") == 1));
	agent_expect(a, "ok", "unlock key");
	agent_answers(c, "locked");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(b, "-EBUSY", "lock key shared try");
	agent_expect(c, "ok", "unlock key");
	agent_expect(b, "locked", "lock key shared try");
	agent_expect(b, "0", "verify");
}

static void sharer_dies_in_the_old_one(void **state)
{
	struct agent *a = agent_start(), *c = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_say(c, "lock key");
	assert_true(eventually(resizing_waiters("key") == 1));
	agent_kill(a);
	agent_answers(c, "locked");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
}

/* The writer goes on draining in the old segment; others wait behind it. */
static void writer_drains_across_the_switch(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_expect(c, "-EBUSY", "lock key shared try");
	agent_expect(a, "ok", "unlock key");
	agent_answers(b, "locked");
	agent_say(c, "lock key shared");
	assert_true(eventually(resizing_waiters("key") == 1));
	agent_expect(b, "ok", "unlock key");
	agent_answers(c, "locked");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(c, "0", "verify");
}

/* A lock whose last holder died, and that sharers hold, there and here. */
static void what_is_owed_moves(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(c, "locked", "lock key");
	agent_kill(c);
	c = agent_start();
	agent_expect(a, "locked owner_died", "lock key shared");
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_expect(b, "locked owner_died", "lock key shared");
	agent_expect(a, "ok", "unlock key");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(b, "ok", "unlock key");
	agent_expect(c, "locked owner_died", "lock key");
	agent_expect(c, "ok", "unlock key");
	agent_expect(c, "locked", "lock key");
}

static void who_shares_may_not_resize(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	agent_expect(a, "-EDEADLK", "resize %s slots=64", segment);
	agent_expect(a, "ok", "unlock key");
}

static void file_is_removed(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	watch_end();
	assert_int_equal(unlink(watch_path()), 0);
	b = agent_start();
	agent_expect(b, "-EBUSY", "lock key try");
	agent_say(b, "lock key");
	agent_expect(a, "-ESHUTDOWN", "unlock key");
	agent_answers(b, "locked");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(shared_in_both_segments),
		in_segment(sharer_dies_in_the_old_one),
		in_segment(writer_drains_across_the_switch),
		in_segment(what_is_owed_moves),
		in_segment(who_shares_may_not_resize),
		in_segment(file_is_removed),
	};

	return test_main(tests);
}
