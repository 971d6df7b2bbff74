/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S2: a permit goes back once, however often its thread releases it,
 * and no other thread can release it.
 */
#include <sfshm/semaphore.h>

#include "agent.h"
#include "crowd.h"
#include "testing.h"

static void said_twice(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "ok", "acquire s max=2");
	agent_expect(b, "ok", "acquire s");
	agent_expect(a, "ok", "give-back");
	agent_expect(a, "ok", "give-back-again");
	agent_expect(a, "ok", "give-back-again");
	agent_expect(b, "1 of 2, 0 wait", "permits s");
	/* Nor does it give back what has become another's. */
	agent_expect(b, "ok", "acquire s");
	agent_expect(a, "ok", "give-back-again");
	agent_expect(b, "2 of 2, 0 wait", "permits s");
	agent_expect(b, "0", "verify");
}

static void of_another_thread(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "@t ok", "@t acquire s max=2");
	agent_expect(a, "-EPERM", "give-back-of t");
	agent_expect(a, "1 of 2, 0 wait", "permits s");
	agent_expect(a, "@t ok", "@t give-back");
	agent_expect(a, "0 of 2, 0 wait", "permits s");
}

static void never_taken(void **state)
{
	struct sfshm_permit permit = SFSHM_PERMIT_INIT;

	(void)state;
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_permit_release(NULL), -EINVAL);
	sfshm_permit_cleanup(&permit);
}

static void at_a_block_end(void **state)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;
	struct sfshm *h = segment_open(NULL);

	(void)state;
	for (int i = 0; i < 3; i++) {
		SFSHM_PERMITTED struct sfshm_permit permit = SFSHM_PERMIT_INIT;

		assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	}
	assert_int_equal(sfshm_semaphore_info(h, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 0);
	assert_int_equal(sfshm_close(h), 0);
}

static struct sfshm *inherited;
static struct sfshm_permit inherited_permit;

static void use_what_is_the_parents(int member, void *arg)
{
	struct sfshm_permit permit;

	(void)member;
	(void)arg;
	demand(sfshm_permit_release(&inherited_permit) == -ECHILD);
	demand(sfshm_acquire(inherited, "s", 1, NULL, &permit) == -ECHILD);
}

/* The child holds nothing: neither its calls nor its end free it. */
static void in_a_forked_child(void **state)
{
	struct sfshm_semaphore_info info = SFSHM_SEMAPHORE_INFO_INIT;

	(void)state;
	inherited = segment_open(NULL);
	assert_int_equal(
		sfshm_acquire(inherited, "s", 1, NULL, &inherited_permit), 0);
	assert_int_equal(
		child_gone(child_start(use_what_is_the_parents, 0, NULL)), 0);
	assert_int_equal(sfshm_semaphore_info(inherited, "s", 1, &info), 0);
	assert_int_equal(info.in_use, 1);
	assert_int_equal(sfshm_permit_release(&inherited_permit), 0);
	assert_int_equal(sfshm_close(inherited), 0);
}

/* Closing the last handle gives back, too; the grip is void then. */
static void after_the_handle_is_closed(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_permit permit;
	struct agent *a = agent_start();

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_permit_release(&permit), -EPERM);
	agent_say(a, "permits s");
	assert_memory_equal(agent_hear(a), "0 of", 4);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(said_twice),
		in_segment(of_another_thread),
		in_segment(never_taken),
		in_segment(at_a_block_end),
		in_segment(in_a_forked_child),
		in_segment(after_the_handle_is_closed),
	};

	return test_main(tests);
}
