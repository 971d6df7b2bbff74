/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-G1, PROMISE-F3, PROMISE-R4: The work may fail, forget to end its
 * flight, release it, be cancelled or end its thread. Each follower gets an
 * answer, or leads next.
 */
#include <limits.h>
#include <pthread.h>

#include "agent.h"
#include "asker.h"
#include "watch.h"

static struct agent *follower;

/* Each kind of work begins once somebody else waits for it. */
static void until_followed(struct sfshm_flight *flight)
{
	demand(eventually(sfshm_flight_waiters(flight) == 1));
}

/* Does `work` in a thread, followed by an agent. */
static void do_followed(struct asker *a, struct sfshm *h, sfshm_work_fn work)
{
	follower = agent_start();
	agent_expect(follower, "ok", "sleep-until-woken");
	a->work = work;
	asker_start(a, h, "key");
	await_phase("key", SFSHM_PHASE_BUSY);
	agent_say(follower, "begin key");
}

static void leave(struct asker *a, struct sfshm *h)
{
	agent_expect(follower, "0", "verify");
	sfshm_result_clear(&a->result);
	assert_int_equal(sfshm_close(h), 0);
}

static int return_an_error(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	until_followed(flight);
	return -EIO;
}

static void by_returning_an_error(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };
	char answer[300];

	(void)state;
	do_followed(&a, h, return_an_error);
	asker_join(&a);
	assert_int_equal(a.outcome, -EREMOTEIO);
	assert_int_equal(a.result.code, -EIO);
	assert_true(strlen(a.result.message) > 0);
	snprintf(answer, sizeof(answer), "-EREMOTEIO %d %s", -EIO,
		 a.result.message);
	agent_answers(follower, answer);
	leave(&a, h);
}

static int return_nothing_there(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	until_followed(flight);
	return sfshm_fail(flight, -ENOENT, "nobody of that name");
}

static void by_failing_with_a_message(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	do_followed(&a, h, return_nothing_there);
	asker_join(&a);
	assert_int_equal(a.outcome, -ENOENT);
	assert_int_equal(a.result.code, -ENOENT);
	assert_string_equal(a.result.message, "nobody of that name");
	agent_answers(follower, "-ENOENT -2 nobody of that name");
	leave(&a, h);
}

static int return_and_forget(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	until_followed(flight);
	return 0;
}

static void by_returning_without_a_result(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	do_followed(&a, h, return_and_forget);
	asker_join(&a);
	assert_int_equal(a.outcome, -EREMOTEIO);
	assert_int_equal(a.result.code, -EPROTO);
	assert_non_null(strstr(agent_hear(follower), "-EREMOTEIO"));
	leave(&a, h);
}

/* Not all numbers are errors; one of them no flight can fail with. */
static const int no_errors[] = { INT_MIN, -4096, 7 };

static int return_what_is_no_error(struct sfshm_flight *flight, void *number)
{
	until_followed(flight);
	return *(const int *)number;
}

static void by_returning_what_is_no_error(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sfshm *h = segment_open(NULL);
		int number = no_errors[i];
		struct asker a = { .arg = &number };

		do_followed(&a, h, return_what_is_no_error);
		asker_join(&a);
		assert_int_equal(a.outcome, -EREMOTEIO);
		assert_int_equal(a.result.code, -EPROTO);
		assert_non_null(strstr(agent_hear(follower), "-EREMOTEIO"));
		agent_expect(follower, "leader", "begin key");
		agent_expect(follower, "ok", "release");
		leave(&a, h);
	}
}

/*
 * A value too large to be kept can still be failed or released; here it is
 * neither.
 */
static int publish_too_much(struct sfshm_flight *flight, void *unused)
{
	static uint8_t data[(1 << 20) + 1];

	(void)unused;
	until_followed(flight);
	return sfshm_publish(flight, data, sizeof(data));
}

static void by_publishing_too_much_to_keep(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { .policy = { .flags = SFSHM_KEEP } };

	(void)state;
	do_followed(&a, h, publish_too_much);
	asker_join(&a);
	assert_int_equal(a.outcome, -EREMOTEIO);
	assert_int_equal(a.result.code, -EMSGSIZE);
	assert_non_null(strstr(agent_hear(follower), "-EREMOTEIO"));
	leave(&a, h);
}

static int release_it(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	until_followed(flight);
	return sfshm_release(flight);
}

static void by_releasing_it(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	do_followed(&a, h, release_it);
	asker_join(&a);
	assert_int_equal(a.outcome, -ECANCELED);
	agent_answers(follower, "leader");
	leave(&a, h);
}

static int end_the_thread(struct sfshm_flight *flight, void *unused)
{
	(void)unused;
	until_followed(flight);
	pthread_exit(NULL);
}

static void by_ending_the_thread(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	do_followed(&a, h, end_the_thread);
	asker_join(&a);
	assert_false(a.returned);
	agent_answers(follower, "leader");
	leave(&a, h);
}

static int wait_for_ever(struct sfshm_flight *flight, void *unused)
{
	(void)flight;
	(void)unused;
	for (;;)
		cancellable_nap();
	return 0;
}

static void by_being_cancelled(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	do_followed(&a, h, wait_for_ever);
	await_waiters("key", 1);
	assert_int_equal(pthread_cancel(a.thread), 0);
	asker_join(&a);
	assert_false(a.returned);
	agent_answers(follower, "leader");
	assert_int_equal(watch_counter("owner_died"), 0);
	leave(&a, h);
}

static uint32_t answered;

static void linger(void *unused)
{
	(void)unused;
	demand(eventually(load_acquire(&answered)));
}

/* glibc's macros nest deeply. NOLINTNEXTLINE(readability-function-size) */
static void *do_and_linger(void *handle)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	pthread_cleanup_push(linger, NULL);
	(void)!sfshm_do(handle, "key", 3, NULL, wait_for_ever, NULL, &result);
	pthread_cleanup_pop(0);
	return NULL;
}

/* It ends with the work, not with the thread, which may take its time. */
static void by_being_cancelled_long_before_the_thread_ends(void **state)
{
	struct sfshm *h = segment_open(NULL);
	pthread_t thread;

	(void)state;
	store_release(&answered, 0);
	follower = agent_start();
	assert_int_equal(pthread_create(&thread, NULL, do_and_linger, h), 0);
	await_phase("key", SFSHM_PHASE_BUSY);
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	assert_int_equal(pthread_cancel(thread), 0);
	agent_answers(follower, "leader");
	store_release(&answered, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* A follower of sfshm_do() is cancelled in its sleep: it is simply gone. */
static void or_a_follower_is_cancelled(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker a = { 0 };

	(void)state;
	follower = agent_start();
	agent_expect(follower, "leader", "begin key");
	asker_start(&a, h, "key");
	await_waiters("key", 1);
	assert_int_equal(pthread_cancel(a.thread), 0);
	asker_join(&a);
	await_waiters("key", 0);
	agent_expect(follower, "ok", "publish value");
	leave(&a, h);
}

static int fall_behind(struct sfshm_flight *flight, void *unused)
{
	struct agent *thief = agent_start();

	(void)unused;
	agent_expect(thief, "leader", "begin key");
	agent_expect(thief, "ok", "publish new");
	assert_int_equal(sfshm_publish(flight, "old", 3), -ESTALE);
	return 0;
}

static void by_losing_it(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	const struct sfshm_policy hasty = {
		.size = sizeof(hasty),
		.lock_age_ms = 10,
	};

	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, &hasty, fall_behind, NULL,
				  &result),
			 -ESTALE);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_returning_an_error),
		in_segment(by_failing_with_a_message),
		in_segment(by_returning_without_a_result),
		in_segment(by_returning_what_is_no_error),
		in_segment(by_publishing_too_much_to_keep),
		in_segment(by_releasing_it),
		in_segment(by_ending_the_thread),
		in_segment(by_being_cancelled),
		in_segment(by_being_cancelled_long_before_the_thread_ends),
		in_segment(or_a_follower_is_cancelled),
		in_segment(by_losing_it),
	};

	return test_main(tests);
}
