/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C14: flights are under way when the segment is replaced. Their
 * leaders end them, their followers and later callers get that end, and nobody
 * leads the same key beside them. A walk finds their keys.
 */
#include "resizing.h"

/* Came before the switch; had the old segment open; has only the new one. */
enum { EARLY, LATE, FRESH, ASKERS };

struct scene {
	struct sfshm *h;
	struct agent *leader, *asker[ASKERS], *probe;
	struct resizing *z;
	int pid;
};

/* A flight, three who wait for it, and a resize that does so too. */
static void set_the_scene(struct scene *s)
{
	const struct sfshm_options small = { .slots = 100 };

	s->h = segment_open(&small);
	s->leader = agent_start();
	s->asker[EARLY] = agent_start();
	s->asker[LATE] = agent_start();
	agent_expect(s->leader, "leader", "begin key forever");
	agent_say(s->asker[EARLY], "begin key forever");
	await_waiters("key", 1);
	s->z = resizing_make(200);
	s->pid = resizing_start(s->z);
	resizing_await(200);
	s->asker[FRESH] = agent_start();
	s->probe = agent_start();
	agent_say(s->asker[LATE], "begin key forever");
	agent_say(s->asker[FRESH], "begin key forever");
	assert_true(eventually(resizing_waiters("key") == 3));
	agent_expect(s->probe, "-EBUSY", "begin key try");
	agent_expect(s->probe, "-ENODATA", "get key");
}

static void end_the_scene(struct scene *s)
{
	assert_int_equal(child_gone(s->pid), 0);
	assert_int_equal(s->z->outcome, 0);
	agent_end_all();
	assert_int_equal(sfshm_close(s->h), 0);
	resizing_settled();
}

static void published(void **state)
{
	struct scene s;

	(void)state;
	set_the_scene(&s);
	agent_expect(s.leader, "ok", "publish done");
	for (int i = 0; i < ASKERS; i++)
		agent_answers(s.asker[i], "awaited done");
	agent_expect(s.probe, "cached done", "get key");
	agent_expect(s.leader, "cached done", "get key");
	end_the_scene(&s);
}

/*
 * A put takes the key from its leader in the old segment. A caller that waits
 * there may lead for a moment before the put does, and is fenced.
 */
static void put_over(void **state)
{
	struct scene s;

	(void)state;
	set_the_scene(&s);
	agent_expect(s.probe, "ok", "put key done");
	agent_expect(s.leader, "-ESTALE", "publish late");
	for (int i = 0; i < ASKERS; i++)
		if (!strcmp(agent_hear(s.asker[i]), "leader"))
			agent_expect(s.asker[i], "-ESTALE", "publish late");
		else if (strcmp(s.asker[i]->line, "cached done"))
			assert_string_equal(s.asker[i]->line, "awaited done");
	agent_expect(s.probe, "cached done", "get key");
	end_the_scene(&s);
}

static void failed(void **state)
{
	struct scene s;

	(void)state;
	set_the_scene(&s);
	agent_expect(s.leader, "ok", "fail -5 broken");
	for (int i = 0; i < ASKERS; i++)
		agent_answers(s.asker[i], "-EREMOTEIO -5 broken");
	end_the_scene(&s);
}

/* One of those who wait leads, the others wait for it, wherever that is. */
static void handed_on(struct scene *s)
{
	int next = -1;

	assert_true(eventually(agent_spoke(s->asker[EARLY]) ||
			       agent_spoke(s->asker[LATE]) ||
			       agent_spoke(s->asker[FRESH])));
	for (int i = 0; i < ASKERS; i++)
		if (agent_spoke(s->asker[i]))
			next = i;
	assert_non_null(strstr(agent_hear(s->asker[next]), "leader"));
	agent_expect(s->probe, "-EBUSY", "begin key try");
	agent_expect(s->asker[next], "ok", "publish second");
	for (int i = 0; i < ASKERS; i++)
		if (i != next)
			agent_answers(s->asker[i], "awaited second");
	agent_expect(s->probe, "cached second", "get key");
	end_the_scene(s);
}

static void released(void **state)
{
	struct scene s;

	(void)state;
	set_the_scene(&s);
	agent_expect(s.leader, "ok", "release");
	handed_on(&s);
}

static void killed(void **state)
{
	struct scene s;

	(void)state;
	set_the_scene(&s);
	agent_kill(s.leader);
	handed_on(&s);
}

/* Nobody waits for the flight, so nobody but the resize asks the kernel. */
static void dead_without_a_mark(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct scene s = { .h = segment_open(&small) };

	(void)state;
	agent_die_unmarked(agent_start(), "begin key");
	s.z = resizing_make(200);
	s.z->patience_ms = PATIENCE_MS;
	s.pid = resizing_start(s.z);
	end_the_scene(&s);
}

static void walked(void **state)
{
	const struct sfshm_options small = { .slots = 100 };
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	struct scene s = { .h = segment_open(&small) };

	(void)state;
	s.leader = agent_start();
	agent_expect(s.leader, "leader", "begin key forever");
	s.z = resizing_make(200);
	s.pid = resizing_start(s.z);
	resizing_await(200);
	assert_int_equal(sfshm_next_key(s.h, "k", 1, &walk), 1);
	assert_int_equal(walk.key_len, 3);
	assert_int_equal(sfshm_next_key(s.h, "k", 1, &walk), 0);
	agent_expect(s.leader, "ok", "publish done");
	end_the_scene(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(published), in_segment(put_over),
		in_segment(failed),    in_segment(released),
		in_segment(killed),    in_segment(dead_without_a_mark),
		in_segment(walked),
	};

	return test_main(tests);
}
