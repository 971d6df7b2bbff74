/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L1, PROMISE-L3, PROMISE-L4, PROMISE-L7: while a segment is replaced
 * a lock has one holder, the library knows that its thread holds it, and a
 * holder's death comes to the notice of the next holder in the successor.
 */
#include "agent.h"
#include "resize/resizing.h"

static void wait_for_the_switch(struct resizing *z)
{
	assert_true(eventually(load_acquire(&z->calls) > 0));
}

static void held_ones_stay_held(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock key rank=5");
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_expect(b, "-EBUSY", "lock key try");
	agent_expect(a, "-EDEADLK", "lock key");
	agent_expect(a, "-EBUSY", "lock key own-is-busy");
	agent_expect(a, "-EDOM", "lock other rank=5");
	agent_expect(a, "locked", "lock other rank=6");
	agent_say(b, "lock key");
	assert_true(eventually(resizing_waiters("key") == 1));
	agent_expect(a, "ok", "unlock key");
	agent_answers(b, "locked");
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(a, "-EBUSY", "lock key try");
	agent_expect(a, "ok", "unlock other");
	agent_expect(b, "ok", "unlock key");
	agent_expect(a, "locked", "lock key rank=1");
}

static void who_dies_in_the_old_one_is_told_of_in_the_new(void **state)
{
	struct agent *a = agent_start(), *b = agent_start(), *c = agent_start();
	struct resizing *z = resizing_make(64);
	int pid;

	(void)state;
	agent_expect(a, "locked", "lock asked-for");
	agent_expect(b, "locked", "lock left-alone");
	pid = resizing_start(z);
	wait_for_the_switch(z);
	agent_say(c, "lock asked-for");
	assert_true(eventually(resizing_waiters("asked-for") == 1));
	agent_kill(a);
	agent_answers(c, "locked owner_died");
	agent_kill(b);
	assert_int_equal(child_gone(pid), 0);
	assert_int_equal(z->outcome, 0);
	agent_expect(c, "locked owner_died", "lock left-alone");
	agent_expect(c, "ok", "unlock left-alone");
	agent_expect(c, "ok", "unlock asked-for");
	agent_expect(c, "locked", "lock left-alone");
	agent_expect(c, "locked", "lock asked-for");
}

/* Nobody asks while it lasts: the resize itself carries it over. */
static void what_is_owed_moves(void **state)
{
	struct agent *a = agent_start();
	struct resizing *z = resizing_make(64);
	struct sfshm *h = segment_open(NULL);

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_kill(a);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(resizing_run(z), 0);
	a = agent_start();
	agent_expect(a, "locked owner_died", "lock key");
	agent_expect(a, "ok", "unlock key");
	agent_expect(a, "locked", "lock key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(held_ones_stay_held),
		in_segment(who_dies_in_the_old_one_is_told_of_in_the_new),
		in_segment(what_is_owed_moves),
	};

	return test_main(tests);
}
