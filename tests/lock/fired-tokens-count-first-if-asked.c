/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: a caller with a fired token gets what is free, or -ECANCELED if
 * it asks for that: of a lock, a permit and a flight's lead alike.
 */
#include <signal.h>

#include "agent.h"
#include "watch.h"

static void free_things_are_left_alone(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	/* A token that has not fired changes nothing. */
	agent_expect(a, "locked", "lock key token cancel-first");
	agent_expect(a, "ok", "unlock key");
	agent_expect(a, "ok", "acquire permits max=1 token cancel-first");
	agent_expect(a, "ok", "give-back");
	agent_expect(a, "leader", "begin key token cancel-first");
	agent_expect(a, "ok", "release");
	/* Nor does the flag without a token. */
	agent_expect(a, "ok", "fire");
	agent_expect(a, "locked", "lock key cancel-first");
	agent_expect(a, "ok", "unlock key");
	/* New keys, and known ones; waiting, and trying. */
	agent_expect(a, "-ECANCELED", "lock key token cancel-first");
	agent_expect(a, "-ECANCELED", "lock key token cancel-first try");
	agent_expect(a, "-ECANCELED", "lock new token cancel-first");
	agent_expect(a, "-ECANCELED", "acquire permits token cancel-first");
	agent_expect(a, "-ECANCELED", "acquire permits token cancel-first try");
	agent_expect(a, "-ECANCELED", "begin key token cancel-first");
	agent_expect(a, "-ECANCELED", "begin key token cancel-first refresh");
	agent_expect(a, "-ECANCELED", "begin new token cancel-first try");
	assert_int_equal(watch_counter("cancels"), 8);
	/* Without the flag the same calls succeed. */
	agent_expect(a, "locked", "lock key token");
	agent_expect(a, "ok", "acquire permits token");
	agent_expect(a, "leader", "begin key token ttl=60000");
	/* A result that is there needs no lead. */
	agent_expect(a, "ok", "publish value");
	agent_expect(a, "cached value", "begin key token cancel-first");
}

static void dead_holders_things_are_left_alone(void **state)
{
	struct agent *a = agent_start(), *holder = agent_start();

	(void)state;
	agent_expect(a, "ok", "fire");
	agent_expect(holder, "locked", "lock key");
	agent_expect(holder, "leader", "begin key");
	agent_kill(holder);
	agent_expect(a, "-ECANCELED", "lock key token cancel-first try");
	agent_expect(a, "-ECANCELED", "begin key token cancel-first try");
	/* The death is still news for the caller that takes them. */
	agent_expect(a, "locked owner_died", "lock key token");
	agent_expect(a, "leader owner_died", "begin key token");
}

/* A waiter that was woken for what is free passes the wake on as it leaves. */
static void pass_on(const char *take, const char *give, const char *took)
{
	struct agent *holder = agent_start(), *a = agent_start(),
		     *b = agent_start();

	agent_expect(holder, took, "%s", take);
	agent_expect(a, "ok", "sleep-until-woken");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_expect(a, "ok", "arm wait_woken 1 STOP");
	agent_say(a, "%s token cancel-first", take);
	await_waiters("key", 1);
	/* Noted is not yet asleep: the order in which they are woken counts. */
	agent_asleep(a);
	agent_say(b, "%s", take);
	await_waiters("key", 2);
	agent_asleep(b);
	agent_expect(holder, "ok", "%s", give);
	agent_stopped(a);
	assert_false(agent_spoke(b));
	agent_signal(a, SIGUSR1);
	agent_signal(a, SIGCONT);
	agent_answers(a, "-ECANCELED");
	agent_answers(b, took);
}

static void woken_waiter_passes_the_lock_on(void **state)
{
	(void)state;
	pass_on("lock key", "unlock key", "locked");
}

static void woken_waiter_passes_the_permit_on(void **state)
{
	(void)state;
	pass_on("acquire key max=1", "give-back", "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(free_things_are_left_alone),
		in_segment(dead_holders_things_are_left_alone),
		in_segment(woken_waiter_passes_the_lock_on),
		in_segment(woken_waiter_passes_the_permit_on),
	};

	return test_main(tests);
}
