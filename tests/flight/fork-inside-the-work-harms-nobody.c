/* SPDX-License-Identifier: MIT */
/*
 * A leader may fork. The child cannot use its parent's handle and flight, and
 * its end changes nothing for the parent's flight.
 */
#include <signal.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

struct inherited {
	struct sfshm *handle;
	struct sfshm_flight flight;
};

static void child_is_refused(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct inherited *in = arg;
	struct sfshm_flight own;

	(void)unused;
	demand(sfshm_publish(&in->flight, "child", 5) == -ECHILD);
	demand(sfshm_fail(&in->flight, -5, "child") == -ECHILD);
	demand(sfshm_release(&in->flight) == -ECHILD);
	demand(sfshm_flight_waiters(&in->flight) == 0);
	demand(sfshm_begin(in->handle, "key", 3, NULL, &own, &result) ==
	       -ECHILD);
	demand(sfshm_get(in->handle, "key", 3, &result) == -ECHILD);
	demand(sfshm_forget(in->handle, "key", 3) == -ECHILD);
	demand(sfshm_close(in->handle) == 0);
}

/* With a handle of its own it is a caller like any other. */
static void child_opens_again(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight own;

	(void)unused;
	(void)arg;
	demand(sfshm_begin(h, "key", 3,
			   &(struct sfshm_policy){
				   .size = sizeof(struct sfshm_policy),
				   .flags = SFSHM_TRY },
			   &own, &result) == -EBUSY);
	demand(sfshm_begin(h, "other", 5, NULL, &own, &result) == SFSHM_LEADER);
	demand(sfshm_publish(&own, "child", 5) == 0);
	demand(sfshm_close(h) == 0);
	sfshm_result_clear(&result);
}

static void child_dies(int unused, void *arg)
{
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	(void)arg;
	demand(sfshm_purge(h) == 0);
	raise(SIGKILL);
}

static void child_closes_everything(int unused, void *arg)
{
	struct inherited *in = arg;

	(void)unused;
	demand(sfshm_close(in->handle) == 0);
	demand(!close_range(3, ~0u, 0));
	exit(0);
}

static void lead_and_fork(crowd_fn child, int status)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct inherited in = { .handle = segment_open(NULL) };
	struct agent *follower = agent_start();

	assert_int_equal(sfshm_begin(in.handle, "key", 3, NULL, &in.flight,
				     &result),
			 SFSHM_LEADER);
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	assert_int_equal(child_gone(child_start(child, 0, &in)), status);
	/* Nobody took the child's end for the leader's. */
	await_waiters("key", 1);
	assert_false(agent_spoke(follower));
	assert_int_equal(sfshm_publish(&in.flight, "parent", 6), 0);
	agent_answers(follower, "awaited parent");
	agent_expect(follower, "0", "verify");
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(in.handle), 0);
}

static void the_child_may_not_use_it(void **state)
{
	(void)state;
	lead_and_fork(child_is_refused, 0);
}

static void the_child_may_open_again(void **state)
{
	(void)state;
	lead_and_fork(child_opens_again, 0);
}

static void the_child_may_be_killed(void **state)
{
	(void)state;
	lead_and_fork(child_dies, SIGKILL);
}

static void the_child_may_exit(void **state)
{
	(void)state;
	lead_and_fork(child_closes_everything, 0);
}

/* The parent dies, the child lives on: the flight is free at once. */
static void fork_and_die(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;
	pid_t pid, *child = arg;

	(void)unused;
	demand(sfshm_begin(h, "key", 3, NULL, &flight, &result) ==
	       SFSHM_LEADER);
	pid = fork();
	if (pid)
		store_release(child, pid);
	for (;;)
		pause();
}

static void the_parent_may_die(void **state)
{
	pid_t *child = shared_memory(sizeof(*child));
	struct agent *follower = agent_start();
	int parent = child_start(fork_and_die, 0, child);

	(void)state;
	await_phase("key", SFSHM_PHASE_BUSY);
	assert_true(eventually(load_acquire(child) != 0));
	agent_expect(follower, "ok", "sleep-until-woken");
	agent_say(follower, "begin key");
	await_waiters("key", 1);
	kill(parent, SIGKILL);
	child_gone(parent);
	agent_answers(follower, "leader owner_died");
	assert_int_equal(kill(*child, SIGKILL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(the_child_may_not_use_it),
		in_segment(the_child_may_open_again),
		in_segment(the_child_may_be_killed),
		in_segment(the_child_may_exit),
		in_segment(the_parent_may_die),
	};

	return test_main(tests);
}
