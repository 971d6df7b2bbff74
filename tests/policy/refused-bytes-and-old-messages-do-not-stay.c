/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C7: a call leaves nothing in its result of the calls before it, nor
 * of a value that its own checks refused. What it did not get is empty.
 */
#include <sfshm/do.h>
#include <sfshm/pin.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

static int refuse(const struct sfshm_result *r, void *arg)
{
	(void)r;
	(void)arg;
	return 0;
}

static void nothing_is_left(void)
{
	assert_int_equal(result.value.len, 0);
	assert_int_equal(result.code, 0);
	assert_string_equal(result.message, "");
}

static void bytes_that_were_refused(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	put("secret", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(begin(POLICY(.fits = refuse, .flags = SFSHM_FOLLOW)),
			 -ENODATA);
	nothing_is_left();
	assert_int_equal(begin(POLICY(.fresh = refuse, .flags = SFSHM_FOLLOW)),
			 -ENODATA);
	nothing_is_left();
	/* Another caller is about to renew it. */
	agent_expect(a, "leader", "begin key refresh");
	assert_int_equal(begin(POLICY(.fits = refuse, .flags = SFSHM_TRY)),
			 -EBUSY);
	nothing_is_left();
	assert_int_equal(begin(POLICY(.fits = refuse, .wait_timeout_ms = 1)),
			 -ETIMEDOUT);
	nothing_is_left();
}

/* The result comes from a call that got a failure. */
static void got_a_failure(void)
{
	assert_int_equal(sfshm_get(h, "bad", 3, &result), -EREMOTEIO);
	assert_string_equal(result.message, "broken");
	assert_int_equal(result.code, 7);
}

static void fail_for_ever(const char *key)
{
	assert_int_equal(sfshm_begin(h, key, strlen(key),
				     POLICY(.neg_ttl_ms = SFSHM_FOREVER),
				     &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, 7, "broken"), 0);
}

static void messages_of_other_keys(void **state)
{
	struct agent *a = agent_start();
	struct sfshm_pin pin;

	(void)state;
	fail_for_ever("bad");
	put("good", POLICY(.ttl_ms = SFSHM_FOREVER));
	agent_expect(a, "leader", "begin busy");

	got_a_failure();
	assert_int_equal(sfshm_get(h, "none", 4, &result), -ENODATA);
	nothing_is_left();
	got_a_failure();
	assert_int_equal(sfshm_begin(h, "busy", 4, POLICY(.flags = SFSHM_TRY),
				     &flight, &result),
			 -EBUSY);
	nothing_is_left();
	got_a_failure();
	assert_int_equal(sfshm_wait(h, "none", 4, NULL, &result), -ENODATA);
	nothing_is_left();
	got_a_failure();
	assert_int_equal(sfshm_pin(h, "none", 4, &pin, &result), -ENODATA);
	nothing_is_left();

	got_a_failure();
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_string_equal(result.message, "");
	got_a_failure();
	assert_int_equal(begin(NULL), SFSHM_CACHED);
	assert_string_equal(result.message, "");
	got_a_failure();
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	nothing_is_left();
	assert_int_equal(sfshm_release(&flight), 0);
}

static int work_fails(struct sfshm_flight *f, void *unused)
{
	(void)unused;
	return sfshm_fail(f, 8, "its own");
}

/* A leader that falls back to a stale value still knows why. */
static void but_its_own_message_does(void **state)
{
	(void)state;
	put("old", POLICY(.ttl_ms = 1, .stale_if_error_ms = 1000));
	clock_advance(10);
	assert_int_equal(sfshm_do(h, "key", 3,
				  POLICY(.stale_if_error_ms = 1000), work_fails,
				  NULL, &result),
			 SFSHM_CACHED);
	assert_value("old");
	assert_int_equal(result.code, 8);
	assert_string_equal(result.message, "its own");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(bytes_that_were_refused),
		in_policy(messages_of_other_keys),
		in_policy(but_its_own_message_does),
	};

	return test_main(tests);
}
