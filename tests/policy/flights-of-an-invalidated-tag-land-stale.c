/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C19: a value whose flight began before an invalidation of one of its
 * tags is stale when it comes. The callers that were waiting get it. Later
 * callers wait for the flight's end, then one of them leads. The leader is
 * told.
 */
#include <sfshm/do.h>
#include <sfshm/tag.h>

#include "agent.h"
#include "policy.h"
#include "watch.h"

#define KEPT .ttl_ms = SFSHM_FOREVER

static int invalidate(const char *tag)
{
	return sfshm_invalidate_tag(h, tag, strlen(tag));
}

static void name(const char *tag)
{
	assert_int_equal(sfshm_flight_tag(&flight, tag, strlen(tag)), 0);
}

static void after_the_invalidation_it_is_fresh(void **state)
{
	(void)state;
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	name("tag");
	assert_int_equal(publish("value"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
}

/* Whether the leader names the tag before or after that. */
static void in_the_flight_it_is_stale(void **state)
{
	(void)state;
	for (int early = 0; early <= 1; early++) {
		assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
		if (early)
			name("tag");
		assert_int_equal(invalidate("tag"), 0);
		name("tag");
		assert_int_equal(publish("old"), SFSHM_INVALIDATED);
		assert_int_equal(get(), -ENODATA);
	}
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	name("tag");
	assert_int_equal(invalidate("another"), 0);
	assert_int_equal(publish("new"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
}

static void who_waited_gets_it_and_who_comes_later_leads(void **state)
{
	struct agent *before = agent_start(), *after = agent_start();

	(void)state;
	/* With room in its result, it takes a value where it wakes. */
	agent_expect(after, "leader", "begin other forever");
	agent_expect(after, "ok", "publish value");
	agent_expect(after, "cached value", "get other");
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	agent_say(before, "begin key");
	await_waiters("key", 1);
	agent_asleep(before);
	assert_int_equal(invalidate("tag"), 0);
	agent_say(after, "begin key forever");
	await_waiters("key", 2);
	agent_asleep(after);
	name("tag");
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	agent_answers(before, "awaited old");
	agent_answers(after, "leader");
	assert_int_equal(get(), -ENODATA);
	agent_expect(after, "ok", "tag tag");
	agent_expect(after, "ok", "publish new");
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value("new");
	assert_sound(h);
}

static struct agent *next;

static bool one_spoke(struct agent *const *agents, int count)
{
	for (int i = 0; !next && i < count; i++)
		if (agent_spoke(agents[i]))
			next = agents[i];
	return next;
}

/* A waiter that is not served leads next, or follows a flight that is new. */
static void of_several_that_come_later_one_leads(void **state)
{
	struct agent *after[3];

	(void)state;
	next = NULL;
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(invalidate("tag"), 0);
	for (unsigned int i = 0; i < 3; i++) {
		after[i] = agent_start();
		agent_say(after[i], "begin key forever");
		await_waiters("key", i + 1);
	}
	name("tag");
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	assert_true(eventually(one_spoke(after, 3)));
	agent_answers(next, "leader");
	agent_expect(next, "ok", "tag tag");
	agent_expect(next, "ok", "publish new");
	for (int i = 0; i < 3; i++)
		if (after[i] != next)
			agent_answers(after[i], "awaited new");
}

/* The word of another tag does not matter to a value, whenever one waits. */
static void other_tags_do_not_matter(void **state)
{
	struct agent *waiter = agent_start();

	(void)state;
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	assert_int_equal(invalidate("another"), 0);
	agent_say(waiter, "begin key");
	await_waiters("key", 1);
	assert_int_equal(invalidate("another"), 0);
	name("tag");
	assert_int_equal(publish("value"), 0);
	agent_answers(waiter, "awaited value");
}

/* It is invalidated between its leader's look and its end. */
static void even_at_the_last_moment(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	agent_expect(leader, "ok", "tag tag");
	agent_expect(leader, "ok", "arm publish_written 1 STOP");
	agent_say(leader, "publish old");
	agent_stopped(leader);
	assert_int_equal(invalidate("tag"), 0);
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "invalidated");
	assert_int_equal(get(), -ENODATA);
}

/* What a leader that takes over does begins after the invalidation. */
static void an_heir_begins_anew(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	agent_expect(leader, "ok", "tag tag");
	assert_int_equal(invalidate("tag"), 0);
	agent_kill(leader);
	assert_int_equal(begin(POLICY(KEPT)), SFSHM_LEADER);
	name("tag");
	assert_int_equal(publish("new"), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_sound(h);
}

static void it_still_serves_as_a_stale_value(void **state)
{
	struct agent *heir = agent_start();

	(void)state;
	assert_int_equal(begin(POLICY(KEPT, .grace_ms = 60000)), SFSHM_LEADER);
	name("tag");
	assert_int_equal(invalidate("tag"), 0);
	assert_int_equal(publish("old"), SFSHM_INVALIDATED);
	agent_expect(heir, "leader", "begin key");
	assert_int_equal(begin(POLICY(.grace_ms = 60000)), SFSHM_CACHED);
	assert_int_equal(result.stale, 1);
	assert_value("old");
	agent_expect(heir, "ok", "publish new");
}

static int work(struct sfshm_flight *f, void *arg)
{
	int *runs = arg;

	assert_int_equal(sfshm_flight_tag(f, "tag", 3), 0);
	if (!(*runs)++)
		assert_int_equal(invalidate("tag"), 0);
	return sfshm_publish(f, *runs == 1 ? "old" : "new", 3);
}

static void the_caller_chooses_whether_to_run_again(void **state)
{
	(void)state;
	runs_again_if_asked(work);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(after_the_invalidation_it_is_fresh),
		in_policy(in_the_flight_it_is_stale),
		in_policy(who_waited_gets_it_and_who_comes_later_leads),
		in_policy(of_several_that_come_later_one_leads),
		in_policy(other_tags_do_not_matter),
		in_policy(even_at_the_last_moment),
		in_policy(an_heir_begins_anew),
		in_policy(it_still_serves_as_a_stale_value),
		in_policy(the_caller_chooses_whether_to_run_again),
	};

	return test_main(tests);
}
