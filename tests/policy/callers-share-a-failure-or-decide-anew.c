/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G3, PROMISE-G4: followers get a failure's cause before the key is
 * free again; with SFSHM_RETRY_ON_FAILURE a caller decides anew instead.
 */
#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static void each_as_it_chose(void **state)
{
	struct agent *leader = agent_start();
	struct asker sharing[2] = { 0 }, retrying[2] = { 0 };
	int computed = 0;

	(void)state;
	sleep_until_woken();
	agent_expect(leader, "leader", "begin key neg=1000000");
	for (int i = 0; i < 2; i++) {
		asker_start(&sharing[i], h, "key");
		retrying[i].policy.flags = SFSHM_RETRY_ON_FAILURE;
		retrying[i].number = 7;
		asker_start(&retrying[i], h, "key");
	}
	await_waiters("key", 4);
	agent_expect(leader, "ok", "fail -5 not now");
	for (int i = 0; i < 2; i++) {
		asker_join(&retrying[i]);
		assert_in_range(retrying[i].outcome, SFSHM_AWAITED,
				SFSHM_COMPUTED);
		assert_string_equal(asker_text(&retrying[i]), "7");
		computed += retrying[i].outcome == SFSHM_COMPUTED;
		sfshm_result_clear(&retrying[i].result);
	}
	assert_true(computed >= 1);
	for (int i = 0; i < 2; i++) {
		asker_join(&sharing[i]);
		/* It is the failure, or what a retry made of it. */
		if (sharing[i].outcome != SFSHM_AWAITED) {
			assert_int_equal(sharing[i].outcome, -EREMOTEIO);
			assert_string_equal(sharing[i].result.message,
					    "not now");
		}
		sfshm_result_clear(&sharing[i].result);
	}
}

static void also_a_failure_that_was_kept(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.neg_ttl_ms = 60000)), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -5, "not now"), 0);
	assert_int_equal(begin(NULL), -EREMOTEIO);
	assert_int_equal(result.code, -5);
	assert_int_equal(begin(POLICY(.flags = SFSHM_RETRY_ON_FAILURE)),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	/* Who may not lead has nothing, rather than the failure. */
	assert_int_equal(sfshm_wait(h, "key", 3,
				    POLICY(.flags = SFSHM_RETRY_ON_FAILURE),
				    &result),
			 -ESRCH);
}

static int fail_at_once(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	return sfshm_fail(f, -EIO, "my own");
}

/* One's own failure is one's answer: nobody tries for ever. */
static void but_ones_own(void **state)
{
	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3,
				  POLICY(.flags = SFSHM_RETRY_ON_FAILURE),
				  fail_at_once, NULL, &result),
			 -EREMOTEIO);
	assert_string_equal(result.message, "my own");
	assert_int_equal(watch_counter("loads"), 1);
}

static uint32_t told;

/* Tries to lead while those who waited are not yet awake. */
static int fail_then_lead(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	demand(eventually(sfshm_flight_waiters(f) == 1));
	demand(sfshm_fail(f, -EIO, "the cause") == 0);
	/* The key is free by now, and the cause is out. */
	store_release(&told, 1);
	return 0;
}

/* The cause is in the slot when it is freed, so nobody sees one without. */
static void the_cause_comes_before_the_release(void **state)
{
	struct asker leader = { .work = fail_then_lead };
	struct asker follower = { 0 };

	(void)state;
	sleep_until_woken();
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	asker_start(&follower, h, "key");
	asker_join(&follower);
	asker_join(&leader);
	assert_true(told);
	assert_int_equal(follower.outcome, -EREMOTEIO);
	assert_int_equal(follower.result.code, -EIO);
	assert_string_equal(follower.result.message, "the cause");
	assert_int_equal(leader.outcome, -EREMOTEIO);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(each_as_it_chose),
		in_policy(also_a_failure_that_was_kept),
		in_policy(but_ones_own),
		in_policy(the_cause_comes_before_the_release),
	};

	return test_main(tests);
}
