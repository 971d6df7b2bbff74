/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-L4, PROMISE-L5, PROMISE-L7: a view shows a lock's rank and whether
 * its next holder will learn of a death; and a flight's deadline, a value's
 * stale window, and how many leaders of a key died.
 */
#include "agent.h"
#include "watch.h"

static struct sfshm_slot_info seen(const char *key)
{
	struct sfshm_slot_info info;

	assert_true(watch_key(key, &info));
	return info;
}

static void of_a_lock(void **state)
{
	struct agent *a = agent_start();
	struct sfshm *h = segment_open(NULL);

	(void)state;
	agent_expect(a, "locked", "lock key rank=17");
	assert_int_equal(seen("key").kind, SFSHM_KIND_LOCK);
	assert_int_equal(seen("key").rank, 17);
	assert_int_equal(seen("key").lease_ms, -1);
	assert_false(seen("key").owner_died);
	assert_true(seen("key").age_ms >= 0);
	agent_kill(a);
	assert_sound(h);
	assert_int_equal(seen("key").phase, SFSHM_PHASE_IDLE);
	assert_int_equal(seen("key").rank, 0);
	assert_true(seen("key").owner_died);
	a = agent_start();
	agent_expect(a, "locked owner_died", "lock key");
	assert_true(seen("key").owner_died);
	agent_expect(a, "ok", "unlock key");
	assert_false(seen("key").owner_died);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_a_flight(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	struct sfshm *h = segment_open(NULL);

	(void)state;
	agent_expect(a, "leader", "begin key age=100000");
	assert_int_equal(seen("key").kind, SFSHM_KIND_VALUE);
	assert_in_range(seen("key").lease_ms, 40000, 100000);
	assert_int_equal(seen("key").death_ms, -1);
	agent_kill(a);
	assert_sound(h);
	assert_int_equal(seen("key").deaths, 1);
	assert_in_range(seen("key").death_ms, 0, PATIENCE_MS);
	assert_int_equal(seen("key").lease_ms, -1);
	agent_expect(b, "leader owner_died", "begin key age=1");
	assert_true(eventually(seen("key").lease_ms == 0));
	assert_int_equal(seen("key").death_ms, -1);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_a_value(void **state)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = 1000000,
		.grace_ms = 2000,
		.stale_if_error_ms = 1000,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	assert_int_equal(sfshm_begin(h, "key", 3, &policy, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(seen("key").stale_ms, 0);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_int_equal(seen("key").stale_ms, 2000);
	assert_int_equal(seen("key").permits_max, 0);
	assert_string_equal(seen("key").file, "");
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static void of_who_waits(void **state)
{
	struct sfshm_participant_info info = { .size = sizeof(info) };
	struct agent *a = agent_start(), *b = agent_start();
	struct sfshm_view *view;
	int64_t owner;
	uint32_t n = 0;

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_say(b, "lock key");
	await_waiters("key", 1);
	owner = (int64_t)seen("key").owner - 1;
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	for (uint32_t i = 0; !sfshm_view_participant(view, i, &info); i++) {
		if (info.waits_for < 0) {
			assert_int_equal(info.waits_for_participant, -1);
			continue;
		}
		assert_int_equal(info.waits_for_participant, owner);
		assert_int_equal(info.pid, b->pid);
		n++;
	}
	assert_int_equal(n, 1);
	assert_int_equal(sfshm_view_permits(view, seen("key").index, NULL, 0),
			 -ENODATA);
	assert_int_equal(sfshm_view_permits(view, UINT32_MAX, NULL, 0),
			 -ERANGE);
	assert_int_equal(sfshm_view_permits(view, 0, NULL, 1), -EINVAL);
	sfshm_view_close(view);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_a_lock),
		in_segment(of_a_flight),
		in_segment(of_a_value),
		in_segment(of_who_waits),
	};

	return test_main(tests);
}
