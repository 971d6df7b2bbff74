/* SPDX-License-Identifier: MIT */
/*
 * Processes in different PID namespaces may have equal TIDs. Nobody takes the
 * death of one for the death of the other.
 */
#include <sched.h>

#include "agent.h"
#include "testing.h"
#include "watch.h"

/* The first process of a namespace of its own: its pid and tid are 1. */
static struct agent *twin_start(void)
{
	struct agent *a = agent_start_bare(CLONE_NEWPID);

	agent_expect(a, "1", "pid");
	agent_expect(a, "ok", "open %s", segment);
	agent_expect(a, "ok", "sleep-until-woken");
	return a;
}

static void leaders(void **state)
{
	struct agent *one = twin_start(), *other = twin_start();
	struct agent *a = agent_start(), *b = agent_start();
	struct sfshm_slot_info slot;
	uint64_t looks;

	(void)state;
	agent_expect(one, "leader", "begin one");
	agent_expect(other, "leader", "begin other");
	assert_true(watch_key("other", &slot));
	assert_int_equal(slot.owner_tid, 1);
	agent_say(a, "begin one");
	agent_say(b, "begin other");
	await_waiters("one", 1);
	await_waiters("other", 1);

	agent_kill(one);
	agent_answers(a, "leader owner_died");
	/* Only b sleeps: it has looked again by then. */
	looks = watch_counter("rechecks");
	assert_true(eventually(watch_counter("rechecks") > looks + 1));
	await_waiters("other", 1);
	assert_true(watch_key("other", &slot));
	assert_true(slot.owner_alive);
	agent_expect(other, "ok", "publish alive");
	agent_answers(b, "awaited alive");
	agent_expect(b, "0", "verify");
}

/* A dying follower must not mark its twin, the leader, as dead. */
static void leader_and_follower(void **state)
{
	struct agent *leader = twin_start(), *host = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(host, "begin key");
	await_waiters("key", 1);
	for (int i = 0; i < 5; i++) {
		struct agent *follower = twin_start();

		agent_say(follower, "begin key");
		await_waiters("key", 2);
		agent_kill(follower);
		await_waiters("key", 1);
	}
	assert_false(agent_spoke(host));
	assert_int_equal(watch_counter("owner_died"), 0);
	agent_expect(leader, "ok", "publish alive");
	agent_answers(host, "awaited alive");
}

/* Twins follow a third one's flight, one of them takes it over. */
static void follower_takes_over_from_its_twin(void **state)
{
	struct agent *leader = twin_start(), *a = twin_start();

	(void)state;
	agent_expect(leader, "leader", "begin key");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_kill(leader);
	agent_answers(a, "leader owner_died");
	agent_expect(a, "ok", "publish alive");
	agent_expect(a, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(leaders),
		in_segment(leader_and_follower),
		in_segment(follower_takes_over_from_its_twin),
	};

	if (geteuid() != 0)
		return skip_all("PID namespaces take root");
	return test_main(tests);
}
