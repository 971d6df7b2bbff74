/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L7: wherever a holder dies, or the caller that takes over, or the
 * reaper, the next holder learns of the death if a dead thread had the lock,
 * and no later holder does.
 */
#include "agent.h"
#include "watch.h"

static struct agent *armed(const char *point)
{
	struct agent *a = agent_start();

	/* It is attached, and has no part in what it attaches with. */
	agent_expect(a, "-ENODATA", "get nothing");
	agent_expect(a, "ok", "arm %s 1 KILL", point);
	return a;
}

/* Dies of what it is told. */
static void dies(struct agent *a, const char *command)
{
	agent_say(a, "%s", command);
	agent_gone(a);
}

static void next_gets(const char *answer)
{
	struct agent *next = agent_start();

	agent_expect(next, answer, "lock key");
	agent_expect(next, "ok", "unlock key");
	agent_expect(next, "locked", "lock key try");
	agent_expect(next, "ok", "unlock key");
}

static void taking_it(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	/* Not in anybody's hands yet, or hardly so. */
	dies(armed("slot_claimed"), "lock key");
	next_gets("locked");
	dies(armed("flight_claimed"), "lock key");
	next_gets("locked owner_died");
	agent_expect(a, "locked", "lock key");
	agent_kill(a);
	next_gets("locked owner_died");
}

static void giving_it_back(void **state)
{
	struct agent *a = armed("lock_released"), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	dies(a, "unlock key");
	/* It was given back: that the death woke B is another matter. */
	agent_answers(b, "locked");
	agent_kill(b);
	next_gets("locked owner_died");
}

static void taking_it_over(const char *point)
{
	struct agent *a = agent_start(), *b = armed(point), *c = agent_start();

	agent_expect(a, "locked", "lock key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	agent_say(c, "lock key");
	await_waiters("key", 2);
	agent_kill(a);
	/* If C was first B waits on, and takes it over from C. */
	agent_answers(c, "locked owner_died");
	agent_kill(c);
	agent_gone(b);
	next_gets("locked owner_died");
}

static void being_the_next_one(void **state)
{
	(void)state;
	taking_it_over("flight_claimed");
	taking_it_over("flight_taken");
}

static void reaping(const char *point)
{
	struct agent *a = agent_start(), *b = agent_start();

	agent_expect(a, "locked", "lock key");
	agent_expect(b, "-ENODATA", "get nothing");
	agent_expect(b, "ok", "arm %s 1 KILL", point);
	agent_kill(a);
	dies(b, "verify");
	next_gets("locked owner_died");
}

static void being_the_reaper(void **state)
{
	(void)state;
	reaping("reap_locked");
	reaping("reap_swept");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(taking_it),
		in_segment(giving_it_back),
		in_segment(being_the_next_one),
		in_segment(being_the_reaper),
	};

	return test_main(tests);
}
