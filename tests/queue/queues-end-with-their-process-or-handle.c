/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-Q3: A queue may be closed, and so may a handle, while waits are
 * outstanding. A forked child cannot use its parent's queue, and does not take
 * anything from it.
 */
#include "queue.h"

#include <fcntl.h>
#include <sys/wait.h>

static struct agent *lead_and_wait(struct sfshm_wait waits[3])
{
	struct agent *leader = agent_start();

	agent_expect(leader, "leader", "begin key");
	for (int i = 0; i < 3; i++)
		assert_int_equal(begin("key", NULL, &waits[i]), -EINPROGRESS);
	return leader;
}

static void a_queue_with_waits_is_closed(void **state)
{
	struct sfshm_wait waits[3], told_of;
	struct agent *leader = lead_and_wait(waits);
	int fd = sfshm_queue_fd(queue);

	(void)state;
	assert_int_equal(sfshm_queue_close(queue), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(watch_waiters("key"), 0);
	assert_int_equal(threads(), 1);
	/* Also with some that are ready and some that have been told of. */
	assert_int_equal(sfshm_queue_open(&queue), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(begin("key", NULL, &waits[i]), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	told_of = told();
	assert_int_not_equal(told_of.number, 0);
	assert_int_equal(sfshm_queue_close(queue), 0);
	assert_int_equal(threads(), 1);
	assert_int_equal(sfshm_queue_open(&queue), 0);
	assert_sound(h);
}

static void a_handle_with_waits_is_closed(void **state)
{
	struct sfshm_wait waits[3];
	struct agent *leader = lead_and_wait(waits);

	(void)state;
	sleep_until_woken();
	assert_int_equal(sfshm_close(h), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finished(), -ESHUTDOWN);
	assert_int_equal(begin("key", NULL, &waits[0]), -EBADF);
	agent_expect(leader, "ok", "publish value");
	h = segment_open(NULL);
	assert_sound(h);
}

static void in_the_child(void)
{
	struct sfshm_wait wait = { .number = 1 };
	int fd = queue ? 0 : -1;

	demand(fd == 0 && sfshm_queue_fd(queue) == -ECHILD);
	demand(sfshm_queue_next(queue, &wait) == -ECHILD);
	demand(begin("key", NULL, &wait) == -ECHILD);
	demand(finish(&wait) == -ECHILD);
	demand(sfshm_wait_cancel(queue, &wait) == -ECHILD);
	demand(sfshm_queue_close(queue) == 0);
	/* A queue of its own works. */
	h = segment_open(NULL);
	demand(sfshm_queue_open(&queue) == 0);
	demand(begin("key", NULL, &wait) == -EINPROGRESS);
	demand(finished() == SFSHM_AWAITED);
	demand(sfshm_queue_close(queue) == 0);
	demand(threads() == 1);
	_exit(0);
}

static void a_process_with_waits_forks(void **state)
{
	struct sfshm_wait waits[3];
	struct agent *leader = lead_and_wait(waits);
	int status, pid = fork();

	(void)state;
	if (!pid)
		in_the_child();
	await_waiters("key", 4);
	assert_false(readable(0));
	agent_expect(leader, "ok", "publish value");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finished(), SFSHM_AWAITED);
	assert_sound(h);
}

/* The flights end in the old segment, and whoever waits there finds them. */
static void the_segment_is_replaced(void **state)
{
	struct agent *leader = agent_start(), *resizer = agent_start();
	struct sfshm_wait before, after;

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	assert_int_equal(begin("key", NULL, &before), -EINPROGRESS);
	agent_say(resizer, "resize %s slots=4096", segment);
	agent_asleep(resizer);
	assert_int_equal(begin("other", NULL, &after), SFSHM_LEADER);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_int_equal(begin("key", NULL, &after), -EINPROGRESS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(finish(&after), -EINPROGRESS);
	agent_expect(leader, "ok", "publish value");
	for (int i = 0; i < 2; i++) {
		int r = finished();

		assert_true(r == SFSHM_AWAITED || r == SFSHM_CACHED);
		assert_value("value");
	}
	agent_answers(resizer, "ok");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_queue(a_queue_with_waits_is_closed),
		in_queue(a_handle_with_waits_is_closed),
		in_queue(a_process_with_waits_forks),
		in_queue(the_segment_is_replaced),
	};

	return test_main(tests);
}
