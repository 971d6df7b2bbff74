/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P6: sfshm_release_all() gives back at once what a task or a thread
 * has left behind, and nothing else. Late ends change nothing.
 */
#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/release.h>
#include <sfshm/semaphore.h>

#include "agent.h"
#include "crowd.h"
#include "policy.h"
#include "watch.h"

#define DETACHED(...) POLICY(.flags = SFSHM_DETACHED, __VA_ARGS__)

static int ask(const char *key, const struct sfshm_policy *policy,
	       struct sfshm_flight *f)
{
	return sfshm_begin(h, key, strlen(key), policy, f, &result);
}

/* As by longjmp(): the struct is gone. */
static void abandon(const char *key, uint64_t task)
{
	struct sfshm_flight gone;

	assert_int_equal(ask(key, DETACHED(.task = task), &gone), SFSHM_LEADER);
	memset(&gone, 0x5a, sizeof(gone));
}

static void flights_of_a_task(void **state)
{
	struct agent *b = agent_start();
	struct sfshm_flight other;

	(void)state;
	abandon("key", 7);
	abandon("second", 7);
	assert_int_equal(ask("other", DETACHED(.task = 8), &other),
			 SFSHM_LEADER);
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	assert_int_equal(sfshm_release_all(h, 9), 0);
	assert_int_equal(sfshm_release_all(h, 7), 2);
	agent_answers(b, "leader");
	agent_expect(b, "leader", "begin second");
	assert_int_equal(watch_phase("other"), SFSHM_PHASE_BUSY);
	assert_int_equal(sfshm_release_all(h, 7), 0);
	assert_int_equal(sfshm_publish(&other, "value", 5), 0);
	assert_sound(h);
}

static void late_ends_are_stale(void **state)
{
	struct sfshm_flight next;

	(void)state;
	assert_int_equal(begin(DETACHED(.task = 7)), SFSHM_LEADER);
	assert_int_equal(sfshm_release_all(h, 7), 1);
	assert_int_equal(ask("key", DETACHED(.task = 7), &next), SFSHM_LEADER);
	assert_int_equal(publish("late"), -ESTALE);
	assert_int_equal(sfshm_extend(&flight, 1000), -ESTALE);
	assert_int_equal(sfshm_release(&flight), -ESTALE);
	assert_int_equal(sfshm_publish(&next, "value", 5), 0);
	assert_sound(h);
}

/* From another thread than the one whose record has the flight. */
static void in_another_thread(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "@one leader",
		     "@one begin key detached task=3 claim=c");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_expect(a, "1", "release-all 3");
	agent_answers(b, "leader");
	agent_expect(b, "leader", "begin next claim=c");
	agent_expect(a, "@one -ESTALE", "@one publish late");
	agent_expect(b, "0", "verify");
}

static void what_a_thread_has(void **state)
{
	struct sfshm_flight process, again;
	struct sfshm_lock lock, next;
	struct sfshm_permit permit, more;
	struct sfshm_pin pin;

	(void)state;
	put("value", POLICY(.ttl_ms = 60000));
	assert_int_equal(sfshm_pin(h, "key", 3, &pin, &result), SFSHM_CACHED);
	assert_int_equal(ask("process", DETACHED(.task = 1), &process),
			 SFSHM_LEADER);
	assert_int_equal(ask("own", POLICY(.ttl_ms = 1), &flight),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_lock(h, "lock", 4, NULL, &lock), 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(watch_counter("releases"), 0);
	assert_int_equal(sfshm_release_all(h, 0), 4);
	assert_int_equal(watch_counter("releases"), 1);
	/* The next ones are not harmed by what comes late. */
	assert_int_equal(ask("own", POLICY(.ttl_ms = 1), &again), SFSHM_LEADER);
	assert_true(sfshm_lock(h, "lock", 4, NULL, &next) >= 0);
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &more), 0);
	assert_int_equal(sfshm_publish(&flight, "late", 4), -ESTALE);
	assert_int_equal(sfshm_unlock(&lock), -ESTALE);
	assert_int_equal(sfshm_permit_release(&permit), -ESTALE);
	assert_int_equal(sfshm_unpin(&pin), -EINVAL);
	assert_int_equal(sfshm_publish(&again, "value", 5), 0);
	assert_int_equal(sfshm_unlock(&next), 0);
	assert_int_equal(sfshm_permit_release(&more), 0);
	assert_int_equal(sfshm_publish(&process, "value", 5), 0);
	assert_int_equal(sfshm_release_all(h, 0), 0);
	assert_sound(h);
}

static void a_lock_that_it_shares(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock l shared");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(b, "lock l");
	await_waiters("l", 1);
	agent_expect(a, "1", "release-all 0");
	agent_answers(b, "locked");
	agent_expect(a, "-ESTALE", "unlock l");
	agent_expect(b, "ok", "unlock l");
	agent_expect(b, "0", "verify");
}

static void a_key_that_its_thread_left(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_expect(a, "-EDEADLK", "begin key");
	agent_expect(a, "@two 0", "@two release-all 0");
	await_waiters("key", 1);
	agent_expect(a, "1", "release-all 0");
	agent_answers(b, "leader");
	agent_expect(b, "ok", "publish value");
	agent_expect(a, "-ESTALE", "publish late");
	agent_expect(a, "0", "verify");
}

static void not_through_a_handle_of_another(void **state)
{
	struct sfshm *other = segment_open(NULL);

	(void)state;
	assert_int_equal(begin(DETACHED(.task = 7)), SFSHM_LEADER);
	assert_int_equal(sfshm_release_all(other, 7), 0);
	assert_int_equal(publish("value"), 0);
	assert_int_equal(sfshm_close(other), 0);
	assert_int_equal(sfshm_release_all(other, 7), -EBADF);
	assert_int_equal(sfshm_release_all(NULL, 0), -EBADF);
}

static void in_a_child(int member, void *arg)
{
	(void)member;
	(void)arg;
	demand(sfshm_release_all(h, 7) == -ECHILD);
	demand(sfshm_release_all(h, 0) == -ECHILD);
	demand(sfshm_publish(&flight, "child", 5) == -ECHILD);
}

static void a_child_has_nothing(void **state)
{
	(void)state;
	assert_int_equal(begin(DETACHED(.task = 7)), SFSHM_LEADER);
	assert_int_equal(child_gone(child_start(in_a_child, 0, NULL)), 0);
	assert_int_equal(publish("value"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(flights_of_a_task),
		in_policy(late_ends_are_stale),
		in_policy(in_another_thread),
		in_policy(what_a_thread_has),
		in_policy(a_lock_that_it_shares),
		in_policy(a_key_that_its_thread_left),
		in_policy(not_through_a_handle_of_another),
		in_policy(a_child_has_nothing),
	};

	return test_main(tests);
}
