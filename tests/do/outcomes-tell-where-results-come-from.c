/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F2: sfshm_do() says what was cached, awaited or computed, by whom,
 * for whom.
 */
#include "agent.h"
#include "asker.h"
#include "watch.h"

static int publish_text(struct sfshm_flight *flight, void *text)
{
	return sfshm_publish(flight, text, strlen(text));
}

static int do_key(struct sfshm *h, struct sfshm_result *result, char *text,
		  uint32_t ttl_ms)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = ttl_ms,
		.neg_ttl_ms = ttl_ms,
	};

	return sfshm_do(h, "key", 3, &policy, publish_text, text, result);
}

static void assert_result(const struct sfshm_result *r, enum sfshm_source from,
			  const char *text)
{
	assert_int_equal(r->source, from);
	assert_int_equal(r->code, 0);
	assert_int_equal(r->value.len, strlen(text));
	assert_memory_equal(r->value.data, text, strlen(text));
}

static void computed_then_cached(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	uint64_t first;

	(void)state;
	assert_int_equal(do_key(h, &result, "one", 60000), SFSHM_COMPUTED);
	assert_result(&result, SFSHM_COMPUTED, "one");
	assert_int_equal(result.leader, 1);
	assert_int_equal(result.shared, 0);
	assert_int_equal(result.owner_died, 0);
	first = result.generation;

	assert_int_equal(do_key(h, &result, "two", 60000), SFSHM_CACHED);
	assert_result(&result, SFSHM_CACHED, "one");
	assert_int_equal(result.leader, 0);
	assert_int_equal(result.shared, 1);
	assert_int_equal(result.generation, first);

	assert_int_equal(sfshm_forget(h, "key", 3), 0);
	assert_int_equal(do_key(h, &result, "", 0), SFSHM_COMPUTED);
	assert_result(&result, SFSHM_COMPUTED, "");
	assert_true(result.generation > first);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static int publish_when_two_wait(struct sfshm_flight *flight, void *text)
{
	demand(eventually(sfshm_flight_waiters(flight) == 2));
	return publish_text(flight, text);
}

static void awaited_by_others(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker leader = { .work = publish_when_two_wait, .arg = "one" };
	struct asker other = { 0 };
	struct agent *process = agent_start();

	(void)state;
	asker_start(&leader, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	asker_start(&other, h, "key");
	agent_say(process, "do key work");
	asker_join(&leader);
	asker_join(&other);
	agent_answers(process, "awaited one");

	assert_int_equal(leader.outcome, SFSHM_COMPUTED);
	assert_result(&leader.result, SFSHM_COMPUTED, "one");
	assert_int_equal(leader.result.shared, 1);
	assert_int_equal(other.outcome, SFSHM_AWAITED);
	assert_result(&other.result, SFSHM_AWAITED, "one");
	assert_int_equal(other.result.generation, leader.result.generation);
	assert_int_equal(other.result.leader, 0);
	assert_int_equal(watch_counter("loads"), 1);
	sfshm_result_clear(&leader.result);
	sfshm_result_clear(&other.result);
	assert_int_equal(sfshm_close(h), 0);
}

/* A follower that takes over computes, and is told why. */
static void computed_by_an_heir(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker heir = { 0 };
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "working", "do key for-ever");
	asker_start(&heir, h, "key");
	await_waiters("key", 1);
	agent_kill(leader);
	asker_join(&heir);
	assert_int_equal(heir.outcome, SFSHM_COMPUTED);
	assert_string_equal(asker_text(&heir), "0");
	assert_int_equal(heir.result.owner_died, 1);
	sfshm_result_clear(&heir.result);
	assert_int_equal(sfshm_close(h), 0);
}

static void and_what_is_refused(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, NULL, NULL, NULL, &result),
			 -EINVAL);
	assert_int_equal(sfshm_do(NULL, "key", 3, NULL, publish_text, "v",
				  &result),
			 -EBADF);
	assert_int_equal(sfshm_do(h, "key", 0, NULL, publish_text, "v",
				  &result),
			 -EINVAL);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(computed_then_cached),
		in_segment(awaited_by_others),
		in_segment(computed_by_an_heir),
		in_segment(and_what_is_refused),
	};

	return test_main(tests);
}
