/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-R13: a segment keeps what its participants did last: how flights and
 * waits ended, and apart from that deaths, takeovers, steals, evictions,
 * resizes. The events stay when the participant dies or leaves.
 */
#include <sfshm/put.h>
#include <sfshm/resize.h>

#include "agent.h"
#include "history.h"
#include "policy/policy.h"
#include "watch.h"

#define WORK_MS 5000
#define NS UINT64_C(1000000)

static struct sfshm_event_info event;

/* The latest event of that name is about "key", and by this process. */
static void assert_own(const char *name)
{
	assert_true(history_find(name, "key", &event));
	assert_int_equal(event.pid, getpid());
	assert_int_equal(event.kind, SFSHM_KIND_VALUE);
	assert_int_equal(event.generation, result.generation);
	assert_int_equal(event.rare, 0);
}

static void ends_of_flights(void **state)
{
	(void)state;
	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	clock_advance(WORK_MS);
	assert_int_equal(publish("v"), 0);
	assert_own("published");
	assert_true(event.took_ns >= (WORK_MS - 20) * NS);
	assert_true(event.took_ns < (WORK_MS + PATIENCE_MS) * NS);
	assert_int_equal(event.awaited, 0);

	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(sfshm_fail(&flight, -EIO, "no"), 0);
	assert_own("failed");

	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	clock_advance(WORK_MS);
	assert_int_equal(sfshm_release(&flight), 0);
	assert_own("released");
	assert_true(event.took_ns >= (WORK_MS - 20) * NS);

	assert_int_equal(begin(POLICY(.flags = SFSHM_REFRESH)), SFSHM_LEADER);
	assert_int_equal(sfshm_put(h, "key", 3, NULL, "other", 5), -EDEADLK);
	assert_int_equal(sfshm_invalidate(h, "key", 3, SFSHM_HARD), 0);
	assert_int_equal(publish("late"), -ESTALE);
	assert_int_equal(history_count("fenced"), 1);
	/* A hit is no event. */
	assert_int_equal(history_count("published"), 1);
}

static void ends_of_waits(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key");
	assert_int_equal(begin(POLICY(.wait_timeout_ms = 20)), -ETIMEDOUT);
	assert_true(history_find("gave_up", "key", &event));
	assert_int_equal(event.pid, getpid());
	assert_true(event.took_ns >= 10 * NS);
	agent_expect(a, "ok", "release");

	assert_int_equal(begin(POLICY(.ttl_ms = SFSHM_FOREVER)), SFSHM_LEADER);
	agent_say(a, "begin key");
	await_waiters("key", 1);
	assert_int_equal(publish("value"), 0);
	agent_answers(a, "awaited value");
	assert_true(history_find("awaited", "key", &event));
	assert_int_equal(event.pid, a->pid);
	assert_own("published");
	assert_int_equal(event.awaited, 1);
}

static void deaths(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();
	pid_t dead = a->pid;

	(void)state;
	agent_expect(a, "leader", "begin key");
	agent_say(b, "begin key");
	await_waiters("key", 1);
	agent_kill(a);
	agent_answers(b, "leader owner_died");
	assert_true(history_find("leader_died", "key", &event));
	assert_int_equal(event.pid, b->pid);
	assert_int_equal(event.other_pid, dead);
	assert_int_equal(event.rare, 1);
	assert_true(history_find("taken_over", "key", &event));
	assert_int_equal(event.other_pid, dead);
	assert_true(history_find("led", "key", &event));
	assert_int_equal(event.pid, b->pid);
	agent_expect(b, "ok", "publish value");
	/* The dead one's record has the reaper's event. */
	assert_true(eventually(history_find("reaped", NULL, &event)));
	assert_int_equal(event.other_pid, dead);
	assert_int_equal(event.pid, b->pid);
	/* The next thread that has the record pushes no event out. */
	agent_expect(agent_start(), "leader", "begin other");
	assert_true(history_find("reaped", NULL, &event));
	assert_int_equal(event.other_pid, dead);
}

static void steals_and_what_is_abandoned(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	assert_int_equal(begin(POLICY(.lock_age_ms = 1)), SFSHM_LEADER);
	agent_expect(b, "leader", "begin key");
	assert_true(history_find("stolen", NULL, &event));
	assert_int_equal(event.pid, b->pid);
	assert_int_equal(event.other_pid, getpid());
	agent_expect(a, "@one leader", "@one begin theirs");
	agent_say(a, "@one pthread_exit");
	assert_true(eventually(history_find("abandoned", "theirs", &event)));
	assert_int_equal(event.pid, a->pid);
}

static void evictions(void **state)
{
	const struct sfshm_options few = { .slots = 4 };
	const struct sfshm_policy *stays = POLICY(.ttl_ms = SFSHM_FOREVER);
	struct sfshm *own;
	char key[16];

	(void)state;
	assert_int_equal(sfshm_close(h), 0);
	assert_int_equal(sfshm_unlink(segment), 0);
	own = segment_open(&few);
	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof(key), "%d", i);
		assert_int_equal(
			sfshm_put(own, key, strlen(key), stays, "v", 1), 0);
	}
	assert_true(history_find("evicted", NULL, &event));
	assert_true(event.keys >= 1);
	/* One event a second, however many go. */
	assert_true(history_count("evicted") < 3);
	assert_true(watch_counter("evictions") >= 8);
	h = own;
}

static void resizes(void **state)
{
	const struct sfshm_options more = { .size = sizeof(more),
					    .slots = 1000 };

	(void)state;
	put("v", POLICY(.ttl_ms = SFSHM_FOREVER));
	assert_int_equal(sfshm_resize(segment, &more, 0, NULL, NULL), 0);
	assert_true(history_find("resized", NULL, &event));
	assert_int_equal(event.pid, getpid());
	assert_int_equal(event.slot, UINT32_MAX);
}

static void wrong_arguments(void **state)
{
	struct sfshm_view *view;
	const char *name, *help;

	(void)state;
	put("v", POLICY(.ttl_ms = SFSHM_FOREVER));
	event.size = sizeof(event);
	assert_int_equal(sfshm_view_open(&view, segment, NULL, 0), 0);
	assert_int_equal(sfshm_view_event(view, 0, 0, &name, &help, &event), 0);
	assert_string_equal(name, "published");
	assert_int_equal(sfshm_view_event(view, 0, 1, &name, &help, &event),
			 -ENODATA);
	assert_int_equal(sfshm_view_event(view, 0, SFSHM_EVENTS, &name, &help,
					  &event),
			 -ERANGE);
	assert_int_equal(sfshm_view_event(view, 1 << 20, 0, &name, &help,
					  &event),
			 -ERANGE);
	assert_int_equal(sfshm_view_event(NULL, 0, 0, &name, &help, &event),
			 -EINVAL);
	assert_int_equal(sfshm_view_event(view, 0, 0, NULL, &help, &event),
			 -EINVAL);
	event.size = 1;
	assert_int_equal(sfshm_view_event(view, 0, 0, &name, &help, &event),
			 -EINVAL);
	sfshm_view_close(view);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(ends_of_flights),
		in_policy(ends_of_waits),
		in_policy(deaths),
		in_policy(steals_and_what_is_abandoned),
		in_policy(evictions),
		in_policy(resizes),
		in_policy(wrong_arguments),
	};

	return test_main(tests);
}
