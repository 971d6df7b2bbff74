/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P5: A task that asks for a key whose flight another task of the
 * process leads waits for it, even in the same thread. A task that would wait
 * for itself is told.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

#define DETACHED(...) POLICY(.flags = SFSHM_DETACHED, __VA_ARGS__)

static int ask(const char *key, const struct sfshm_policy *policy)
{
	struct sfshm_flight other;

	return sfshm_begin(h, key, strlen(key), policy, &other, &result);
}

static void in_the_same_thread(void **state)
{
	(void)state;
	assert_int_equal(begin(DETACHED(.task = 1)), SFSHM_LEADER);
	assert_int_equal(ask("key", DETACHED(.task = 1)), -EDEADLK);
	assert_int_equal(ask("key", POLICY(.task = 1)), -EDEADLK);
	assert_int_equal(ask("key", DETACHED(.task = 2, .wait_timeout_ms = 5)),
			 -ETIMEDOUT);
	assert_int_equal(ask("key", POLICY(.wait_timeout_ms = 5)), -ETIMEDOUT);
	assert_int_equal(ask("key", POLICY(.flags = SFSHM_TRY)), -EBUSY);
	assert_int_equal(publish("value"), 0);
	assert_sound(h);
}

static void without_a_task(void **state)
{
	(void)state;
	assert_int_equal(begin(DETACHED(.task = 0)), SFSHM_LEADER);
	assert_int_equal(ask("key", DETACHED(.wait_timeout_ms = 5)),
			 -ETIMEDOUT);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(begin(POLICY(.ttl_ms = 0)), SFSHM_LEADER);
	assert_int_equal(ask("key", POLICY(.ttl_ms = 0)), -EDEADLK);
	assert_int_equal(publish("value"), 0);
}

static void until_another_thread_ends_it(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key detached task=1");
	agent_say(a, "@two begin key detached task=2");
	await_waiters("key", 1);
	agent_expect(a, "@four -EDEADLK", "@four begin key detached task=1");
	agent_say(a, "@three publish-of main value");
	agent_answers_both(a, "@two awaited value", "@three ok");
}

/* Its own lease ends, too. */
static void until_the_lease_ends(void **state)
{
	(void)state;
	assert_int_equal(begin(DETACHED(.lock_age_ms = 5)), SFSHM_LEADER);
	assert_int_equal(ask("key", POLICY(.ttl_ms = 0)), SFSHM_LEADER);
	assert_int_equal(publish("value"), -ESTALE);
	assert_int_equal(watch_counter("steals"), 1);
	assert_int_equal(sfshm_forget(h, "key", 3), -EBUSY);
}

static void no_circle_of_threads_is_one(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	/* Another thread than the one that waits may end this one. */
	agent_expect(a, "leader", "begin one detached");
	agent_expect(b, "leader", "begin two");
	agent_say(a, "begin two");
	await_waiters("two", 1);
	agent_say(b, "begin one");
	await_waiters("one", 1);
	/* The lane's struct is in use; the flight in it was overwritten. */
	assert_false(agent_spoke(b));
	agent_kill(a);
	agent_answers(b, "leader owner_died");
	agent_expect(b, "0", "verify");
}

static void a_circle_of_tasks_is_found(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@one leader", "@one begin A detached task=1");
	agent_expect(a, "@two leader", "@two begin B detached task=2");
	agent_expect(a, "@three leader", "@three begin C detached task=3");
	agent_say(a, "@x begin B detached task=1");
	await_waiters("B", 1);
	agent_say(a, "@y begin C detached task=2");
	await_waiters("C", 1);
	agent_expect(a, "-EDEADLK", "begin A detached task=3");
	agent_expect(a, "-ETIMEDOUT", "begin A detached task=4 timeout=5");
	agent_say(a, "publish-of three value");
	agent_answers_both(a, "ok", "@y awaited value");
	agent_say(a, "publish-of two value");
	agent_answers_both(a, "ok", "@x awaited value");
	assert_int_equal(watch_counter("deadlocks"), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(in_the_same_thread),
		in_policy(without_a_task),
		in_policy(until_another_thread_ends_it),
		in_policy(until_the_lease_ends),
		in_policy(no_circle_of_threads_is_one),
		in_policy(a_circle_of_tasks_is_found),
	};

	return test_main(tests);
}
