/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F6, PROMISE-R6: A caller that asks while another one leads sleeps,
 * and wakes with the value.
 */
#include <signal.h>

#include "agent.h"
#include "asker.h"
#include "watch.h"

static void of_another_process(void **state)
{
	struct agent *leader = agent_start();
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "sleep-until-woken");
	agent_expect(b, "ok", "sleep-until-woken");
	agent_say(a, "begin key");
	agent_say(b, "wait key");
	await_waiters("key", 2);
	agent_expect(leader, "2", "waiters");
	assert_false(agent_spoke(a) || agent_spoke(b));

	agent_expect(leader, "ok", "publish-bytes 100000 42");
	agent_answers(a, "awaited bytes 100000 42");
	agent_answers(b, "awaited bytes 100000 42");
	agent_expect(a, "1", "shared");
	assert_int_equal(watch_counter("loads"), 1);
	assert_int_equal(watch_counter("loads_deduped"), 2);
}

/* So that it has room for another before it is woken. */
static void has_had_a_value(struct agent *a)
{
	agent_expect(a, "leader", "begin early forever");
	agent_expect(a, "ok", "publish value");
	agent_expect(a, "cached value", "get early");
	agent_expect(a, "ok", "forget early");
}

/* Once it is counted as one that waits, it has waited, asleep or not yet. */
static void before_it_is_asleep(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	has_had_a_value(a);
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "arm wait_joined 1 STOP");
	agent_say(a, "begin key");
	agent_stopped(a);
	agent_expect(leader, "1", "waiters");
	agent_expect(leader, "ok", "publish value");
	agent_signal(a, SIGCONT);
	agent_answers(a, "awaited value");
	assert_int_equal(watch_counter("loads_deduped"), 1);
	assert_int_equal(watch_counter("waits"), 0);
}

/*
 * Nor does it take what another key has put where its own was by the time it
 * looks: there is one slot.
 */
static void and_never_another_keys(void **state)
{
	const struct sfshm_options tiny = { .size = sizeof(tiny), .slots = 1 };
	struct sfshm *h = segment_open(&tiny);
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	has_had_a_value(a);
	agent_expect(leader, "leader", "begin key");
	agent_expect(a, "ok", "arm wait_woken 1 STOP");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_expect(leader, "ok", "publish value");
	agent_stopped(a);
	agent_expect(leader, "ok", "forget key");
	agent_expect(leader, "leader", "begin other forever");
	agent_expect(leader, "ok", "publish others");
	agent_signal(a, SIGCONT);
	agent_answers(a, "leader");
	agent_expect(a, "ok", "release");
	assert_int_equal(sfshm_close(h), 0);
}

/* Nothing is kept for later: a policy without a TTL shares, and no more. */
static void and_nobody_later(void **state)
{
	struct agent *leader = agent_start(), *late = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_expect(leader, "ok", "publish once");
	agent_expect(late, "-ENODATA", "get key");
	agent_expect(late, "leader", "begin key");
	agent_expect(late, "0", "waiters");
}

static int wait_for_others(struct sfshm_flight *flight, void *arg)
{
	(void)arg;
	demand(eventually(sfshm_flight_waiters(flight) == 8));
	return sfshm_publish(flight, "shared", 6);
}

static void of_another_thread(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct asker askers[9] = { 0 };
	int computed = 0;

	(void)state;
	for (int i = 0; i < 9; i++) {
		askers[i].work = wait_for_others;
		asker_start(&askers[i], h, "key");
	}
	for (int i = 0; i < 9; i++) {
		struct asker *a = &askers[i];

		asker_join(a);
		assert_string_equal(asker_text(a), "shared");
		assert_int_equal(a->result.shared, 1);
		assert_int_equal(a->result.leader,
				 a->outcome == SFSHM_COMPUTED);
		computed += a->outcome == SFSHM_COMPUTED;
		sfshm_result_clear(&a->result);
	}
	assert_int_equal(computed, 1);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_another_process),
		in_segment(before_it_is_asleep),
		in_segment(and_never_another_keys),
		in_segment(and_nobody_later),
		in_segment(of_another_thread),
	};

	return test_main(tests);
}
