/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P3: with SFSHM_INTR a signal's handler ends a wait for a flight or
 * its claim, unless the handler has SA_RESTART; and the policy's `interrupted`
 * may end it after any sleep. Without them a wait outlasts all signals.
 */
#include <pthread.h>
#include <signal.h>

#include "os/sys.h"
#include "testing.h"
#include "watch.h"

static struct sfshm *handle;
static pthread_t waiter, leader, sender;
static uint32_t led, publish_now, enough, handled;

static void note(int number)
{
	(void)number;
	fetch_add_relaxed(&handled, 1);
}

static void handle_by(int flags)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = flags };

	store_relaxed(&handled, 0);
	demand(!sigaction(SIGUSR1, &action, NULL));
}

static void *lead(void *claim)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.claim_key = claim,
		.claim_key_len = claim ? strlen(claim) : 0,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	demand(sfshm_begin(handle, "key", 3, &policy, &flight, &result) ==
	       SFSHM_LEADER);
	store_release(&led, 1);
	demand(eventually(load_acquire(&publish_now)));
	demand(sfshm_publish(&flight, "value", 5) == 0);
	return NULL;
}

/* Sends signals until they are enough; then the leader may publish. */
static void *send(void *key)
{
	demand(eventually(watch_waiters(key) == 1));
	while (load_acquire(&handled) < 20 && !load_acquire(&enough)) {
		pthread_kill(waiter, SIGUSR1);
		usleep(1000);
	}
	store_release(&publish_now, 1);
	return NULL;
}

static void start(char *claim, char *awaited)
{
	handle = segment_open(NULL);
	waiter = pthread_self();
	store_relaxed(&led, 0);
	store_relaxed(&publish_now, 0);
	store_relaxed(&enough, 0);
	demand(!pthread_create(&leader, NULL, lead, claim));
	demand(eventually(load_acquire(&led)));
	if (awaited)
		demand(!pthread_create(&sender, NULL, send, awaited));
}

static void end(bool sends)
{
	store_release(&enough, 1);
	store_release(&publish_now, 1);
	if (sends)
		demand(!pthread_join(sender, NULL));
	demand(!pthread_join(leader, NULL));
	assert_sound(handle);
	assert_int_equal(sfshm_close(handle), 0);
}

static int wait_with(struct sfshm_policy policy, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	int r;

	policy.size = sizeof(policy);
	r = sfshm_begin(handle, key, strlen(key), &policy, &flight, &result);
	sfshm_result_clear(&result);
	return r;
}

static void by_a_handler_if_asked(void **state)
{
	const struct sfshm_policy p = { .flags = SFSHM_INTR };

	(void)state;
	sleep_until_woken();
	handle_by(0);
	start(NULL, "key");
	assert_int_equal(wait_with(p, "key"), -EINTR);
	end(true);
}

static void but_by_none_otherwise(void **state)
{
	const struct sfshm_policy p = { .flags = 0 };

	(void)state;
	/* It holds signals back until the thread calls libc. */
	if (UNDER_TSAN)
		skip();
	sleep_until_woken();
	handle_by(0);
	start(NULL, "key");
	assert_int_equal(wait_with(p, "key"), SFSHM_AWAITED);
	assert_true(load_relaxed(&handled) >= 20);
	end(true);
}

static void but_not_by_one_that_restarts(void **state)
{
	const struct sfshm_policy p = { .flags = SFSHM_INTR };

	(void)state;
	sleep_until_woken();
	if (!sys_has_waitv() || UNDER_TSAN)
		skip();
	handle_by(SA_RESTART);
	start(NULL, "key");
	assert_int_equal(wait_with(p, "key"), SFSHM_AWAITED);
	assert_true(load_relaxed(&handled) >= 20);
	end(true);
}

static int count_down(void *left)
{
	return --*(int *)left == 0;
}

static void by_the_callers_word(void **state)
{
	int left = 3;
	const struct sfshm_policy p = {
		.interrupted = count_down,
		.arg = &left,
	};

	(void)state;
	start(NULL, NULL);
	assert_int_equal(wait_with(p, "key"), -EINTR);
	assert_int_equal(left, 0);
	end(false);
}

/* The third answer lets the leader publish; the wait goes on all the same. */
static int let_it_publish(void *left)
{
	if (--*(int *)left == 0)
		store_release(&publish_now, 1);
	return 0;
}

static void whose_no_keeps_the_flight(void **state)
{
	int left = 3;
	const struct sfshm_policy p = {
		.interrupted = let_it_publish,
		.arg = &left,
	};

	(void)state;
	start(NULL, NULL);
	assert_int_equal(wait_with(p, "key"), SFSHM_AWAITED);
	assert_true(left <= 0);
	end(false);
}

static void that_is_for_a_claim(void **state)
{
	int left = 3;
	struct sfshm_policy p = {
		.claim_key = "claim",
		.claim_key_len = 5,
		.interrupted = count_down,
		.arg = &left,
	};

	(void)state;
	start("claim", NULL);
	assert_int_equal(wait_with(p, "other"), -EINTR);
	assert_int_equal(left, 0);
	end(false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(by_the_callers_word),
		in_segment(whose_no_keeps_the_flight),
		in_segment(that_is_for_a_claim),
		in_segment(by_a_handler_if_asked),
		in_segment(but_by_none_otherwise),
		in_segment(but_not_by_one_that_restarts),
	};

	return test_main(tests);
}
