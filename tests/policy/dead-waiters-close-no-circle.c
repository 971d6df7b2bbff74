/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R2, PROMISE-R4: a wait that would never end is refused. A wait for a
 * leader that died while it waited for the caller is not: the caller takes
 * that flight over.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static struct sfshm_flight own;

/* This thread leads "mine", the agent KEY, and waits for "mine". */
static void lead_across(struct agent *a, const char *theirs)
{
	assert_int_equal(sfshm_begin(h, "mine", 4, NULL, &own, &result),
			 SFSHM_LEADER);
	agent_expect(a, "leader", "begin %s", theirs);
	agent_say(a, "begin mine");
	await_waiters("mine", 1);
}

static void a_living_one_does(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	lead_across(a, "key");
	assert_int_equal(begin(NULL), -EDEADLK);
	assert_int_equal(watch_counter("deadlocks"), 1);
	assert_int_equal(sfshm_publish(&own, "1", 1), 0);
	agent_answers(a, "awaited 1");
}

static void a_dead_one_does_not(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	lead_across(a, "key");
	agent_kill(a);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(result.owner_died, 1);
	assert_int_equal(watch_counter("deadlocks"), 0);
	assert_int_equal(publish("2"), 0);
	assert_int_equal(sfshm_publish(&own, "1", 1), 0);
}

/* Whoever waits for the dead one will go on as soon as it looks. */
static void nor_one_further_on(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	lead_across(b, "theirs");
	agent_expect(a, "leader", "begin key");
	agent_say(a, "begin theirs");
	await_waiters("theirs", 1);
	agent_signal(a, SIGSTOP);
	agent_stopped(a);
	agent_kill(b);
	assert_int_equal(begin(POLICY(.wait_timeout_ms = 30)), -ETIMEDOUT);
	agent_signal(a, SIGCONT);
	agent_answers(a, "leader owner_died");
	assert_int_equal(sfshm_publish(&own, "1", 1), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_living_one_does),
		in_policy(a_dead_one_does_not),
		in_policy(nor_one_further_on),
	};

	return test_main(tests);
}
