/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: sfshm_put() makes a value known whoever leads its key. It waits
 * for nobody, the leader is fenced, and those that wait get the value put. If
 * it cannot be kept, the older value is gone all the same. sfshm_put_if() does
 * so only in place of the value that it names.
 */
#include <sfshm/pin.h>
#include <sfshm/put.h>

#include "agent.h"
#include "asker.h"
#include "policy.h"
#include "watch.h"

static const struct sfshm_policy keeper = {
	.size = sizeof(keeper),
	.ttl_ms = SFSHM_FOREVER,
};

static int put_text(const char *text)
{
	return sfshm_put(h, "key", 3, &keeper, text, strlen(text));
}

static void assert_cached(const char *text)
{
	assert_int_equal(get(), SFSHM_CACHED);
	assert_value(text);
}

static void a_key_at_rest_gets_it(void **state)
{
	uint64_t generation;

	(void)state;
	assert_int_equal(put_text("first"), 0);
	assert_cached("first");
	generation = result.generation;
	assert_int_equal(put_text("second"), 0);
	assert_cached("second");
	assert_true(result.generation > generation);
	assert_int_equal(put_text(""), 0);
	assert_cached("");
	assert_sound(h);
}

static void it_lives_and_is_kept_as_the_policy_says(void **state)
{
	const struct sfshm_policy *policy =
		POLICY(.ttl_ms = 1000, .grace_ms = 1000);

	(void)state;
	assert_int_equal(sfshm_put(h, "key", 3, policy, "value", 5), 0);
	assert_cached("value");
	clock_advance(1500);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(begin(NULL), SFSHM_LEADER);
	assert_int_equal(sfshm_flight_value(&flight, &result), 0);
	assert_value("value");
	assert_int_equal(sfshm_release(&flight), 0);
}

/* A failure or a mark is no hindrance. */
static void it_replaces_what_the_last_flight_left(void **state)
{
	(void)state;
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	sfshm_flight_ttl(&flight, 0, SFSHM_FOREVER);
	assert_int_equal(sfshm_fail(&flight, -5, "no"), 0);
	assert_int_equal(put_text("after a failure"), 0);
	assert_cached("after a failure");
	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	sfshm_flight_uncacheable(&flight, SFSHM_FOREVER);
	assert_int_equal(publish("mine alone"), 0);
	assert_int_equal(put_text("after a mark"), 0);
	assert_cached("after a mark");
}

static int runs;

static int count_run(struct sfshm_flight *f, void *arg)
{
	(void)arg;
	fetch_add_relaxed(&runs, 1);
	return sfshm_publish(f, "run", 3);
}

static void ask(struct asker *a, const char *key)
{
	*a = (struct asker){ .policy = keeper, .work = count_run };
	asker_start(a, h, key);
}

/* Any wake that is under way as this begins has come when it ends. */
static void wait_for_bystanders(void)
{
	struct sfshm_flight led;
	struct asker a;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(sfshm_begin(h, "other", 5, NULL, &led,
					     &result),
				 SFSHM_LEADER);
		ask(&a, "other");
		await_waiters("other", 1);
		assert_int_equal(sfshm_publish(&led, "go", 2), 0);
		asker_join(&a);
		assert_int_equal(a.outcome, SFSHM_AWAITED);
		sfshm_result_clear(&a.result);
	}
}

#define WAITERS 4

/*
 * The followers sleep on while the putter has the key from its leader and does
 * not lead yet: none of them runs the work.
 */
static void waiters_get_it_and_the_leader_is_fenced(void **state)
{
	struct agent *leader = agent_start(), *putter = agent_start();
	struct asker a[WAITERS];

	(void)state;
	runs = 0;
	sleep_until_woken();
	agent_expect(leader, "leader", "begin key forever");
	for (int i = 0; i < WAITERS; i++)
		ask(&a[i], "key");
	await_waiters("key", WAITERS);
	agent_expect(putter, "ok", "arm put_robbed 1 STOP");
	agent_say(putter, "put key new");
	agent_stopped(putter);
	wait_for_bystanders();
	assert_int_equal(load_relaxed(&runs), 0);
	agent_signal(putter, SIGCONT);
	agent_answers(putter, "ok");
	for (int i = 0; i < WAITERS; i++) {
		asker_join(&a[i]);
		assert_string_equal(asker_text(&a[i]), "new");
		sfshm_result_clear(&a[i].result);
	}
	assert_int_equal(load_relaxed(&runs), 0);
	agent_expect(leader, "-ESTALE", "publish old");
	assert_cached("new");
	assert_sound(h);
}

static void a_dead_putters_waiters_lead(void **state)
{
	struct agent *leader = agent_start(), *putter = agent_start();
	struct asker a;

	(void)state;
	runs = 0;
	agent_expect(leader, "leader", "begin key forever");
	ask(&a, "key");
	await_waiters("key", 1);
	agent_expect(putter, "ok", "arm put_robbed 1 KILL");
	agent_say(putter, "put key new");
	agent_gone(putter);
	asker_join(&a);
	assert_int_equal(a.outcome, SFSHM_COMPUTED);
	sfshm_result_clear(&a.result);
	agent_expect(leader, "-ESTALE", "publish old");
	assert_cached("run");
	assert_sound(h);
}

/* A leader that is stopped before its flight begins holds nobody up. */
static void one_that_is_just_beginning_is_no_hindrance(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	agent_expect(leader, "ok", "arm slot_linked 1 STOP");
	agent_say(leader, "begin key forever");
	agent_stopped(leader);
	assert_int_equal(put_text("new"), 0);
	assert_cached("new");
	agent_signal(leader, SIGCONT);
	agent_answers(leader, "cached new");
	assert_sound(h);
}

static void a_put_gives_way_to_a_later_one(void **state)
{
	struct agent *first = agent_start();

	(void)state;
	agent_expect(first, "ok", "arm publish_written 1 STOP");
	agent_say(first, "put key first");
	agent_stopped(first);
	assert_int_equal(put_text("second"), 0);
	agent_signal(first, SIGCONT);
	agent_answers(first, "-ESTALE");
	assert_cached("second");
}

static void the_leader_itself_publishes(void **state)
{
	(void)state;
	assert_int_equal(begin(&keeper), SFSHM_LEADER);
	assert_int_equal(put_text("new"), -EDEADLK);
	assert_int_equal(publish("mine"), 0);
	assert_cached("mine");
}

static void wrong_arguments_change_nothing(void **state)
{
	(void)state;
	assert_int_equal(put_text("value"), 0);
	assert_int_equal(sfshm_put(h, "key", 3, &keeper, NULL, 1), -EINVAL);
	assert_int_equal(sfshm_put(h, "key", 0, &keeper, "v", 1), -EINVAL);
	assert_int_equal(sfshm_put(h, "key", 3, POLICY(.flags = 1u << 31), "v",
				   1),
			 -EINVAL);
	assert_cached("value");
}

static int put_if(uint64_t generation, const char *text)
{
	return sfshm_put_if(h, "key", 3, &keeper, text, strlen(text),
			    generation);
}

/* Of several callers that have seen one value, one replaces it. */
static void a_condition_names_the_value_to_replace(void **state)
{
	uint64_t first;

	(void)state;
	assert_int_equal(put_if(5, "none"), -ESTALE);
	assert_int_equal(put_if(0, "first"), 0);
	assert_int_equal(put_if(0, "again"), -ESTALE);
	assert_cached("first");
	first = result.generation;
	assert_int_equal(put_if(first, "second"), 0);
	assert_int_equal(put_if(first, "late"), -ESTALE);
	assert_cached("second");
	/* A stale value is replaced as what it is, or as none. */
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	assert_int_equal(put_if(first, "late"), -ESTALE);
	assert_int_equal(put_if(result.generation, "third"), 0);
	assert_int_equal(sfshm_invalidate(h, "key", 3, 0), 0);
	assert_int_equal(put_if(0, "fourth"), 0);
	assert_cached("fourth");
	assert_sound(h);
}

/* A leader loses its flight to the right condition, and not to a wrong one. */
static void a_wrong_condition_robs_no_leader(void **state)
{
	struct agent *leader = agent_start();

	(void)state;
	assert_int_equal(put_text("old"), 0);
	assert_cached("old");
	agent_expect(leader, "leader", "begin key refresh forever");
	assert_int_equal(put_if(0, "wrong"), -ESTALE);
	assert_int_equal(put_if(result.generation - 1, "wrong"), -ESTALE);
	agent_expect(leader, "ok", "publish led");
	assert_cached("led");
	agent_expect(leader, "leader", "begin key refresh forever");
	assert_int_equal(put_if(result.generation, "right"), 0);
	agent_expect(leader, "-ESTALE", "publish late");
	assert_cached("right");
	assert_sound(h);
}

struct put_in_thread {
	pthread_t thread;
	uint64_t generation;
	int answer;
};

static void *put_late(void *arg)
{
	struct put_in_thread *put = arg;

	put->answer = put_if(put->generation, "late");
	return NULL;
}

static void *put_plainly(void *arg)
{
	struct put_in_thread *put = arg;

	put->answer = put_text("second");
	return NULL;
}

/* Returns when the put waits. */
static void start(struct put_in_thread *put, void *(*run)(void *arg))
{
	assert_int_equal(pthread_create(&put->thread, NULL, run, put), 0);
	await_waiters("key", 1);
}

/*
 * While two replace one value, a third caller never finds the key without one:
 * the second waits for the first.
 */
static void of_two_conditions_the_second_waits(void **state)
{
	struct agent *leader = agent_start();
	struct put_in_thread put;

	(void)state;
	sleep_until_woken();
	assert_int_equal(put_text("old"), 0);
	assert_cached("old");
	put.generation = result.generation;
	agent_expect(leader, "leader", "begin key refresh forever");
	start(&put, put_late);
	assert_cached("old");
	agent_expect(leader, "ok", "publish led");
	pthread_join(put.thread, NULL);
	assert_int_equal(put.answer, -ESTALE);
	assert_cached("led");
	assert_sound(h);
}

static void so_does_a_second_put_without_one(void **state)
{
	struct agent *first = agent_start();
	struct put_in_thread put;

	(void)state;
	sleep_until_woken();
	assert_int_equal(put_text("old"), 0);
	agent_expect(first, "ok", "arm publish_written 1 STOP");
	agent_say(first, "put key first");
	agent_stopped(first);
	start(&put, put_plainly);
	assert_cached("old");
	agent_signal(first, SIGCONT);
	agent_answers(first, "ok");
	pthread_join(put.thread, NULL);
	assert_int_equal(put.answer, 0);
	assert_cached("second");
	assert_sound(h);
}

/* The flights that the put waits for leave no value, each in its own way. */
static void a_flight_without_a_value_is_no_hindrance(void **state)
{
	const int failures[] = { -ENOENT, -EIO, 0 };
	struct put_in_thread put = { .generation = 0 };

	(void)state;
	sleep_until_woken();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(begin(&keeper), SFSHM_LEADER);
		start(&put, put_late);
		if (failures[i]) {
			sfshm_flight_ttl(&flight, 0, SFSHM_FOREVER);
			assert_int_equal(sfshm_fail(&flight, failures[i], ""),
					 0);
		} else {
			sfshm_flight_uncacheable(&flight, SFSHM_FOREVER);
			assert_int_equal(publish("mine alone"), 0);
		}
		pthread_join(put.thread, NULL);
		assert_int_equal(put.answer, 0);
		assert_cached("late");
		assert_int_equal(sfshm_forget(h, "key", 3), 0);
	}
}

/* The value changes after the putter has robbed the leader. */
static void what_comes_in_between_counts(void **state)
{
	struct agent *leader = agent_start(), *putter = agent_start();

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	agent_expect(putter, "ok", "arm put_robbed 1 STOP");
	agent_say(putter, "put-if-none key late");
	agent_stopped(putter);
	assert_int_equal(put_text("between"), 0);
	agent_signal(putter, SIGCONT);
	agent_answers(putter, "-ESTALE");
	assert_cached("between");
	agent_expect(leader, "-ESTALE", "publish old");
	assert_sound(h);
}

/* A put that names the value to replace has then replaced nothing. */
static void too_large_a_value_replaces_none(void **state)
{
	size_t size = (size_t)64 << 20;
	char *large = calloc(1, size);

	(void)state;
	assert_non_null(large);
	assert_int_equal(put_text("old"), 0);
	assert_cached("old");
	assert_int_equal(sfshm_put_if(h, "key", 3, &keeper, large, size,
				      result.generation),
			 -EMSGSIZE);
	assert_cached("old");
	free(large);
	assert_sound(h);
}

/* The older value would be wrong. */
static void too_large_a_value_leaves_none(void **state)
{
	struct agent *leader = agent_start();
	size_t size = (size_t)64 << 20;
	char *large = calloc(1, size);

	(void)state;
	assert_non_null(large);
	assert_int_equal(put_text("old"), 0);
	assert_int_equal(sfshm_put(h, "key", 3, &keeper, large, size),
			 -EMSGSIZE);
	assert_int_equal(get(), -ENODATA);
	agent_expect(leader, "leader", "begin key forever");
	assert_int_equal(sfshm_put(h, "key", 3, &keeper, large, size),
			 -EMSGSIZE);
	agent_expect(leader, "-ESTALE", "publish old");
	free(large);
	assert_sound(h);
}

#define ALL (64 << 10)

/* Most memory is pinned: the new value has no room beside that. */
static void so_does_one_without_room(void **state)
{
	const struct sfshm_options small = {
		.size = sizeof(small),
		.slots = 16,
		.bytes = ALL,
		.max_value = ALL,
	};
	char *all = calloc(1, ALL);
	struct sfshm_pin pin;

	(void)state;
	assert_non_null(all);
	h = segment_open(&small);
	result = (struct sfshm_result)SFSHM_RESULT_INIT;
	assert_int_equal(sfshm_put(h, "pinned", 6, &keeper, all, ALL / 4 * 3),
			 0);
	assert_int_equal(sfshm_pin(h, "pinned", 6, &pin, &result),
			 SFSHM_CACHED);
	assert_int_equal(put_text("old"), 0);
	assert_cached("old");
	assert_int_equal(sfshm_put(h, "key", 3, &keeper, all, ALL / 2),
			 -ENOSPC);
	assert_int_equal(get(), -ENODATA);
	assert_int_equal(sfshm_unpin(&pin), 0);
	assert_sound(h);
	free(all);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(a_key_at_rest_gets_it),
		in_policy(it_lives_and_is_kept_as_the_policy_says),
		in_policy(it_replaces_what_the_last_flight_left),
		in_policy(a_dead_putters_waiters_lead),
		in_policy(one_that_is_just_beginning_is_no_hindrance),
		in_policy(a_put_gives_way_to_a_later_one),
		in_policy(the_leader_itself_publishes),
		in_policy(wrong_arguments_change_nothing),
		in_policy(a_condition_names_the_value_to_replace),
		in_policy(a_wrong_condition_robs_no_leader),
		in_policy(what_comes_in_between_counts),
		in_policy(too_large_a_value_replaces_none),
		in_policy(too_large_a_value_leaves_none),
		in_segment(so_does_one_without_room),
		/* The last ones: sleeps end by a wake alone from here on. */
		in_policy(of_two_conditions_the_second_waits),
		in_policy(so_does_a_second_put_without_one),
		in_policy(a_flight_without_a_value_is_no_hindrance),
		in_policy(waiters_get_it_and_the_leader_is_fenced),
	};

	return test_main(tests);
}
