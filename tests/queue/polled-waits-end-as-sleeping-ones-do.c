/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q1: A wait that is polled has the result, the failure, the lead or
 * the error that a sleeping caller would have; the descriptor is readable while
 * there is a wait to tell of.
 */
#include "queue.h"

#include <sfshm/cancel.h>
#include <sfshm/release.h>

#define WAITS 20

/* Begins waits for a key that another process leads. */
static struct agent *many(struct sfshm_wait waits[WAITS])
{
	struct agent *leader = agent_start();

	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < WAITS; i++) {
		waits[i].data = &waits[i];
		assert_int_equal(begin("key", DETACHED(.task = 0), &waits[i]),
				 -EINPROGRESS);
	}
	assert_int_equal(watch_waiters("key"), WAITS);
	assert_false(readable(0));
	assert_int_equal(sfshm_queue_next(queue, &waits[0]), 0);
	return leader;
}

static void with_the_result(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *leader = many(waits);

	(void)state;
	agent_expect(leader, "ok", "publish value");
	for (int i = 0; i < WAITS; i++) {
		struct sfshm_wait wait = told(), *data = wait.data;

		assert_int_equal(data->number, wait.number);
		assert_int_equal(finish(&wait), SFSHM_AWAITED);
		assert_value("value");
		assert_int_equal(finish(&wait), -ESTALE);
	}
	assert_false(readable(0));
	assert_int_equal(watch_waiters("key"), 0);
	assert_sound(h);
}

/* The flight's value has no lifetime, and the loop comes late. */
static void late_with_the_result(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	agent_expect(leader, "ok", "publish first");
	wait = told();
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(finish(&wait), SFSHM_AWAITED);
	assert_value("first");
	agent_expect(leader, "ok", "publish second");
}

static void with_the_failure(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *leader = many(waits);

	(void)state;
	agent_expect(leader, "ok", "fail -5 broken");
	for (int i = 0; i < WAITS; i++) {
		assert_int_equal(finished(), -EREMOTEIO);
		assert_string_equal(result.message, "broken");
	}
	assert_false(readable(0));
}

static void with_the_lead(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *leader = many(waits);

	(void)state;
	agent_expect(leader, "ok", "release");
	assert_true(readable(PATIENCE_MS));
	/* Nobody leads before a call finishes a wait. */
	assert_int_equal(watch_phase("key"), SFSHM_PHASE_IDLE);
	assert_int_equal(finished(), SFSHM_LEADER);
	for (int i = 1; i < WAITS; i++) {
		struct sfshm_wait wait = told();
		struct sfshm_flight none;

		assert_int_equal(sfshm_wait_finish(queue, &wait, &none,
						   &result),
				 -EINPROGRESS);
	}
	assert_false(readable(0));
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	for (int i = 1; i < WAITS; i++) {
		assert_int_equal(finished(), SFSHM_AWAITED);
		assert_value("value");
	}
	assert_sound(h);
}

/* One sleeper is woken beside them, as if they were not there. */
static void beside_a_sleeper(void **state)
{
	struct agent *leader = agent_start(), *sleeper = agent_start_patient();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(sleeper, "begin key");
	await_waiters("key", 1);
	assert_int_equal(begin("key", NULL, &wait), -EINPROGRESS);
	await_waiters("key", 2);
	agent_asleep(sleeper);
	agent_expect(leader, "ok", "release");
	wait = told();
	agent_answers(sleeper, "leader");
	assert_int_equal(finish(&wait), -EINPROGRESS);
	agent_expect(sleeper, "ok", "publish value");
	assert_int_equal(finished(), SFSHM_AWAITED);
}

static void at_once(void **state)
{
	struct sfshm_wait wait;

	(void)state;
	assert_int_equal(begin("key", DETACHED(.ttl_ms = SFSHM_FOREVER), &wait),
			 SFSHM_LEADER);
	assert_int_equal(wait.number, 0);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	assert_int_equal(begin("key", NULL, &wait), SFSHM_CACHED);
	assert_value("value");
	assert_int_equal(begin("no", POLICY(.flags = SFSHM_FOLLOW), &wait),
			 -ENODATA);
}

static void at_the_deadline(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait, other;
	uint32_t ms = 10;
	int r;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &other), -EINPROGRESS);
	/* A busy machine may reach the deadline before the call waits. */
	do {
		ms *= 2;
		r = begin("key", POLICY(.wait_timeout_ms = ms), &wait);
	} while (r == -ETIMEDOUT);
	assert_int_equal(r, -EINPROGRESS);
	assert_int_equal(finished(), -ETIMEDOUT);
	assert_false(readable(0));
	assert_int_equal(watch_waiters("key"), 1);
}

static void past_the_lease(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;
	unsigned int age = 20;
	int r;

	(void)state;
	agent_expect(leader, "leader", "begin key age=%u", age);
	/* On a busy machine the lease may be over before the call waits. */
	while ((r = begin("key", NULL, &wait)) == SFSHM_LEADER) {
		assert_int_equal(sfshm_release(&flight), 0);
		agent_expect(leader, "-ESTALE", "publish late");
		age *= 2;
		agent_expect(leader, "leader", "begin key age=%u", age);
	}
	assert_int_equal(r, -EINPROGRESS);
	assert_int_equal(finished(), SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	agent_expect(leader, "-ESTALE", "publish late");
}

static void by_the_token(void **state)
{
	struct sfshm_cancel token = { 0 };
	struct agent *leader = agent_start();
	struct sfshm_wait wait, other;

	(void)state;
	sleep_until_woken();
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", NULL, &other), -EINPROGRESS);
	assert_int_equal(begin("key", POLICY(.cancel = &token), &wait),
			 -EINPROGRESS);
	sfshm_cancel_fire(&token);
	assert_int_equal(finished(), -ECANCELED);
	assert_false(readable(0));
}

static void by_the_caller(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *leader = many(waits);

	(void)state;
	for (int i = 1; i < WAITS; i++)
		assert_int_equal(sfshm_wait_cancel(queue, &waits[i]), 0);
	assert_int_equal(sfshm_wait_cancel(queue, &waits[1]), -ESTALE);
	assert_int_equal(finish(&waits[1]), -ESTALE);
	assert_int_equal(watch_waiters("key"), 1);
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(finished(), SFSHM_AWAITED);
	assert_int_equal(sfshm_wait_cancel(queue, &waits[0]), -ESTALE);
	assert_false(readable(0));
}

/* Cancelled when they are ready, and when they have been told of. */
static void by_a_late_caller(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 };
	struct agent *leader = many(waits);

	(void)state;
	agent_expect(leader, "ok", "publish value");
	for (int i = 0; i < WAITS / 2; i++)
		(void)told();
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(sfshm_wait_cancel(queue, &waits[i]), 0);
	assert_false(readable(0));
	assert_int_equal(watch_waiters("key"), 0);
}

static void as_one_too_many(void **state)
{
	struct sfshm_wait waits[WAITS] = { 0 }, wait;
	struct agent *leader = many(waits);

	(void)state;
	assert_int_equal(begin("key", POLICY(.max_waiters = WAITS), &wait),
			 -EAGAIN);
	assert_int_equal(sfshm_begin(h, "key", 3, POLICY(.max_waiters = WAITS),
				     &flight, &result),
			 -EAGAIN);
	agent_expect(leader, "20", "waiters");
	assert_int_equal(watch_waiters("key"), WAITS);
}

/* Anybody may look, at any time. */
static void before_it_is_told(void **state)
{
	struct agent *leader = agent_start();
	struct sfshm_wait wait;

	(void)state;
	agent_expect(leader, "leader", "begin key");
	assert_int_equal(begin("key", POLICY(.max_waiters = 1), &wait),
			 -EINPROGRESS);
	for (int i = 0; i < 100; i++)
		assert_int_equal(finish(&wait), -EINPROGRESS);
	assert_int_equal(watch_waiters("key"), 1);
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(finished(), SFSHM_AWAITED);
}

/* The segment's watch word says so even if no note is free. */
static void when_all_notes_are_taken(void **state)
{
	static struct sfshm_wait waits[400];
	struct agent *leader = agent_start();
	char key[16];

	(void)state;
	for (int i = 0; i < 400; i++) {
		agent_expect(leader, "leader", "begin key%d detached", i);
		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(begin(key, NULL, &waits[i]), -EINPROGRESS);
	}
	for (int i = 0; i < 400; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(watch_waiters(key), 1);
	}
	agent_kill(leader);
	for (int i = 0; i < 400; i++)
		assert_int_equal(finished(), SFSHM_LEADER);
	(void)sfshm_release_all(h, 0);
	assert_sound(h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(with_the_result),   in_queue(late_with_the_result),
		in_queue(with_the_failure),  in_queue(with_the_lead),
		in_queue(beside_a_sleeper),  in_queue(at_once),
		in_queue(at_the_deadline),   in_queue(past_the_lease),
		in_queue(by_the_token),      in_queue(by_the_caller),
		in_queue(by_a_late_caller),  in_queue(as_one_too_many),
		in_queue(before_it_is_told), in_queue(when_all_notes_are_taken),
	};

	return test_main(tests);
}
