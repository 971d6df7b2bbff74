/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R7: "does not exist" (-ENOENT) is a result: the library tells it
 * apart from errors and keeps it for a time of its own, and followers await it
 * like any other.
 */
#include "agent.h"
#include "policy.h"
#include "watch.h"

static void kept_for_its_own_time(void **state)
{
	(void)state;
	assert_int_equal(
		begin(POLICY(.ttl_ms = SFSHM_FOREVER, .neg_ttl_ms = 10000)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -ENOENT, "no such user"), 0);
	assert_int_equal(begin(NULL), -ENOENT);
	assert_int_equal(result.code, -ENOENT);
	assert_string_equal(result.message, "no such user");
	assert_int_equal(get(), -ENOENT);
	assert_int_equal(watch_counter("neg_hits"), 2);
	clock_advance(11000);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	/* The leader may know better how long that will hold. */
	sfshm_flight_ttl(&flight, 0, 100000);
	assert_int_equal(sfshm_fail(&flight, -ENOENT, NULL), 0);
	clock_advance(50000);
	assert_int_equal(begin(NULL), -ENOENT);
	/* Not kept at all, where nobody says for how long. */
	clock_advance(60000);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -ENOENT, NULL), 0);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
}

static void no_key_is_not_no_such_thing(void **state)
{
	struct agent *leader = agent_start(), *follower = agent_start();

	(void)state;
	assert_int_equal(get(), -ENODATA);
	agent_expect(leader, "leader", "begin key");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "fail -2 gone");
	agent_answers(follower, "-ENOENT -2 gone");
	assert_int_equal(get(), -ENODATA);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(kept_for_its_own_time),
		in_policy(no_key_is_not_no_such_thing),
	};

	return test_main(tests);
}
