/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L2: a token that fires ends the wait at once. A cancelled waiter
 * never gets the lock, and does not keep it from the waiters behind.
 */
#include "agent.h"
#include "watch.h"

static void wait_ends_at_once(void **state)
{
	struct agent *holder = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_say(a, "@one lock key token");
	agent_say(a, "@two lock key");
	await_waiters("key", 2);
	agent_say(a, "fire");
	agent_answers_both(a, "ok", "@one -ECANCELED");
	await_waiters("key", 1);
	assert_int_equal(watch_counter("cancels"), 1);
	agent_expect(holder, "ok", "unlock key");
	agent_answers(a, "@two locked");
	agent_expect(a, "@one -ESTALE", "@one unlock key");
	agent_expect(a, "@two ok", "@two unlock key");
	/* Nobody has it now. */
	agent_expect(holder, "locked", "lock key try");
}

/*
 * Unlock wakes the first, who stops over it; somebody else comes before it,
 * and its token fires. It leaves; the other waiter gets the lock in its turn.
 */
static void woken_and_cancelled(void **state)
{
	struct agent *holder = agent_start(), *a = agent_start(),
		     *b = agent_start();

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_expect(a, "ok", "arm wait_woken 1 STOP");
	agent_say(a, "lock key token");
	await_waiters("key", 1);
	/* Noted is not yet asleep: the order in which they are woken counts. */
	agent_asleep(a);
	agent_say(b, "lock key");
	await_waiters("key", 2);
	agent_asleep(b);
	agent_expect(holder, "ok", "unlock key");
	agent_stopped(a);
	agent_expect(holder, "locked", "lock key try");
	agent_signal(a, SIGUSR1);
	agent_signal(a, SIGCONT);
	agent_answers(a, "-ECANCELED");
	assert_false(agent_spoke(b));
	agent_expect(holder, "ok", "unlock key");
	agent_answers(b, "locked");
	agent_expect(b, "ok", "unlock key");
	agent_expect(a, "-ESTALE", "unlock key");
	agent_expect(a, "locked", "lock key try");
}

/* What needs no wait is no matter of the token's. */
static void free_lock_is_taken_all_the_same(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "fire");
	agent_expect(a, "locked", "lock key token");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(wait_ends_at_once),
		in_segment(woken_and_cancelled),
		in_segment(free_lock_is_taken_all_the_same),
	};

	return test_main(tests);
}
