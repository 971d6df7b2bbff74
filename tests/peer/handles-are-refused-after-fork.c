/* SPDX-License-Identifier: MIT */
/*
 * A forked child opens the segment again; the handles that it inherited are
 * refused, and harmless.
 */
#include <sys/wait.h>

#include <sfshm/pin.h>

#include "crowd.h"
#include "testing.h"
#include "watch.h"

static struct sfshm *inherited;
static struct sfshm_pin pinned;

static void use_what_was_inherited(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	struct iovec iov;

	(void)unused;
	(void)arg;
	demand(sfshm_begin(inherited, "key", 3, NULL, &flight, &result) ==
	       -ECHILD);
	demand(sfshm_wait(inherited, "key", 3, NULL, &result) == -ECHILD);
	demand(sfshm_get(inherited, "key", 3, &result) == -ECHILD);
	demand(sfshm_forget(inherited, "key", 3) == -ECHILD);
	demand(sfshm_purge(inherited) == -ECHILD);
	demand(sfshm_verify(inherited, NULL, NULL) == -ECHILD);
	demand(sfshm_pin_iov(&pinned, 0, &iov, 1) == -EINVAL);
	demand(sfshm_unpin(&pinned) == -EINVAL);
}

static void then_close_it(int unused, void *arg)
{
	use_what_was_inherited(unused, arg);
	demand(sfshm_close(inherited) == 0);
	demand(sfshm_close(inherited) == -EBADF);
}

static void open_again(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);

	use_what_was_inherited(unused, arg);
	demand(sfshm_get(h, "key", 3, &result) == SFSHM_CACHED);
	demand(sfshm_close(inherited) == 0);
	demand(sfshm_get(h, "key", 3, &result) == SFSHM_CACHED);
	demand(sfshm_close(h) == 0);
	sfshm_result_clear(&result);
}

/* Children of children, each with a handle of its own. */
static void fork_on(int depth, void *arg)
{
	struct sfshm *mine;
	int pid, status;

	open_again(0, NULL);
	mine = segment_open(NULL);
	demand(sfshm_purge(mine) >= 0 || !arg);
	if (depth == 0)
		return;
	pid = fork();
	if (pid == 0) {
		demand(sfshm_purge(mine) == -ECHILD);
		_exit(0);
	}
	demand(waitpid(pid, &status, 0) == pid && status == 0);
	demand(sfshm_close(mine) == 0);
}

static void child_does(crowd_fn fn)
{
	static const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	uint32_t attached, alive;

	inherited = segment_open(NULL);
	assert_int_equal(sfshm_begin(inherited, "key", 3, &keep, &flight,
				     &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "value", 5), 0);
	assert_int_equal(sfshm_pin(inherited, "key", 3, &pinned, &result),
			 SFSHM_CACHED);
	assert_int_equal(child_gone(child_start(fn, 1, NULL)), 0);
	/* The parent noticed nothing. */
	watch_participants(&attached, &alive);
	assert_int_equal(alive, 1);
	assert_int_equal(sfshm_unpin(&pinned), 0);
	assert_sound(inherited);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(inherited), 0);
}

static void and_may_be_left_alone(void **state)
{
	(void)state;
	child_does(use_what_was_inherited);
}

static void and_may_be_closed(void **state)
{
	(void)state;
	child_does(then_close_it);
}

static void beside_a_handle_of_the_childs(void **state)
{
	(void)state;
	child_does(open_again);
}

static void by_grandchildren_too(void **state)
{
	(void)state;
	child_does(fork_on);
}

struct shared {
	struct sfshm_flight flight;
	bool led;
};

/* It attaches as the same thread of its process as the leader of its own. */
static void end_it(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct shared *shared = arg;
	struct sfshm *h = segment_open(NULL);

	(void)unused;
	demand(sfshm_get(h, "other", 5, &result) == -ENODATA);
	demand(eventually(load_acquire(&shared->led)));
	demand(sfshm_publish(&shared->flight, "theirs", 6) == -ECHILD);
	demand(sfshm_close(h) == 0);
}

static void as_is_another_processes_flight(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct shared *shared = shared_memory(sizeof(*shared));
	int child = child_start(end_it, 1, shared);
	struct sfshm *h = segment_open(NULL);

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, NULL, &shared->flight,
				     &result),
			 SFSHM_LEADER);
	store_release(&shared->led, true);
	assert_int_equal(child_gone(child), 0);
	assert_int_equal(sfshm_publish(&shared->flight, "ours", 4), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(and_may_be_left_alone),
		in_segment(and_may_be_closed),
		in_segment(beside_a_handle_of_the_childs),
		in_segment(by_grandchildren_too),
		in_segment(as_is_another_processes_flight),
	};

	return test_main(tests);
}
