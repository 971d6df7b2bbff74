/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C5: a failure reaches everybody who waited for its flight, though the
 * next flight begins before they look. It shows until that flight has a result,
 * and never if its leader did not publish it.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

/* A follower of a failed flight that has not looked yet. */
static struct agent *follower_of_failure(const char *command)
{
	struct agent *leader = agent_start(), *follower = agent_start();

	agent_expect(leader, "leader", "begin key");
	agent_expect(follower, "ok", "arm wait_woken 1 STOP");
	agent_say(follower, "%s", command);
	await_waiters("key", 1);
	agent_asleep(follower);
	agent_expect(leader, "ok", "fail -5 first");
	agent_stopped(follower);
	return follower;
}

static void look_now(struct agent *follower)
{
	agent_signal(follower, SIGCONT);
}

static void though_the_next_flight_is_on(void **state)
{
	struct agent *follower = follower_of_failure("begin key");

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	look_now(follower);
	agent_answers(follower, "-EREMOTEIO -5 first");
	/* A caller that did not wait for it waits for the present flight. */
	agent_expect(follower, "-EBUSY", "begin key try");
	assert_int_equal(publish("second"), 0);
	assert_sound(h);
}

static void though_the_next_leader_gave_up(void **state)
{
	struct agent *follower = follower_of_failure("begin key");

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	look_now(follower);
	agent_answers(follower, "-EREMOTEIO -5 first");
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void though_the_next_leader_died(void **state)
{
	struct agent *follower = follower_of_failure("begin key");
	struct agent *next = agent_start();

	(void)state;
	agent_expect(next, "leader", "begin key");
	agent_kill(next);
	assert_int_equal(begin(POLICY(.flags = SFSHM_TRY)), SFSHM_LEADER);
	look_now(follower);
	agent_answers(follower, "-EREMOTEIO -5 first");
	assert_int_equal(sfshm_release(&flight), 0);
}

static void until_the_next_flight_has_a_result(void **state)
{
	struct agent *follower = follower_of_failure("begin key");

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -7, "second"), 0);
	look_now(follower);
	agent_answers(follower, "-EREMOTEIO -7 second");
	assert_sound(h);
}

/* The next leader wrote over the first failure, and died before it ended. */
static void no_unfinished_failure_shows(void **state)
{
	struct agent *follower = follower_of_failure("begin key");
	struct agent *next = agent_start();

	(void)state;
	agent_expect(next, "leader", "begin key");
	agent_expect(next, "ok", "arm publish_written 1 KILL");
	agent_say(next, "fail -7 unfinished");
	agent_gone(next);
	look_now(follower);
	agent_answers(follower, "leader owner_died");
	agent_expect(follower, "ok", "publish value");
	assert_sound(h);
}

static void retries_wait_on(void **state)
{
	struct agent *follower;

	(void)state;
	follower = follower_of_failure("begin key retry");
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	look_now(follower);
	await_waiters("key", 1);
	assert_int_equal(publish("second"), 0);
	agent_answers(follower, "awaited second");
}

static void the_mark_of_an_uncacheable_key_does_as_well(void **state)
{
	struct agent *follower = agent_start();

	(void)state;
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	agent_expect(follower, "ok", "arm wait_woken 1 STOP");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	agent_asleep(follower);
	sfshm_flight_uncacheable(&flight, 0);
	assert_int_equal(publish("mine"), 0);
	agent_stopped(follower);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	look_now(follower);
	agent_answers(follower, "leader");
	agent_expect(follower, "ok", "publish its own");
	assert_int_equal(publish("mine"), 0);
	assert_sound(h);
}

/* Its leader needs the room of the failure at once. */
static void or_until_a_flight_that_fails_if_lost_is_on(void **state)
{
	struct agent *follower = follower_of_failure("begin key");

	(void)state;
	assert_int_equal(begin(POLICY(.flags = SFSHM_FAIL_IF_LOST)),
			 SFSHM_LEADER);
	look_now(follower);
	await_waiters("key", 1);
	assert_int_equal(publish("second"), 0);
	agent_answers(follower, "awaited second");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(though_the_next_flight_is_on),
		in_policy(though_the_next_leader_gave_up),
		in_policy(though_the_next_leader_died),
		in_policy(until_the_next_flight_has_a_result),
		in_policy(or_until_a_flight_that_fails_if_lost_is_on),
		in_policy(no_unfinished_failure_shows),
		in_policy(retries_wait_on),
		in_policy(the_mark_of_an_uncacheable_key_does_as_well),
	};

	return test_main(tests);
}
