/* SPDX-License-Identifier: MIT */
/*
 * A segment's file is removed, and a new segment takes the name. Nobody gets a
 * lock or a flight in the new segment that is held in the old one, until it is
 * given back. If the creator of the new segment cannot see the old one's
 * users, both sides are told.
 */
#include "agent.h"
#include "forge.h"
#include "watch.h"

#define A_WHILE "clock 600"

static void remove_file(void)
{
	watch_end();
	assert_int_equal(unlink(watch_path()), 0);
}

static void a_lock(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key");
	remove_file();
	b = agent_start();
	agent_expect(b, "-EBUSY", "lock key try");
	agent_expect(b, "@t locked", "@t lock other try");
	agent_say(b, "lock key");
	agent_expect(a, "-EDEADLK", "lock key try");
	agent_expect(a, "-ESHUTDOWN", "unlock key");
	agent_answers(b, "locked");
	agent_expect(a, "-EBUSY", "lock key try");
	agent_expect(b, "ok", "unlock key");
	agent_expect(a, "locked", "lock key try");
	agent_expect(a, "0", "verify");
}

static void a_lock_of_the_dead(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key");
	remove_file();
	b = agent_start();
	agent_expect(b, "@t -EBUSY", "@t lock key try");
	agent_say(b, "lock key");
	agent_kill(a);
	agent_answers(b, "locked owner_died");
}

static void a_permit(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "ok", "acquire permits max=2");
	remove_file();
	b = agent_start();
	agent_expect(b, "ok", "acquire permits try max=2");
	agent_expect(b, "@t -EBUSY", "@t acquire permits try max=2");
	agent_expect(a, "-ESHUTDOWN", "give-back");
	agent_expect(b, "@t ok", "@t acquire permits try max=2");
}

static bool is_waited_for(struct agent *leader)
{
	agent_say(leader, "waiters");
	return !strcmp(agent_hear(leader), "1");
}

/* Who waits gets the old one's result; what was there before has gone. */
static void a_flight(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "leader", "begin value forever");
	agent_expect(a, "ok", "publish old");
	agent_expect(a, "leader", "begin key");
	remove_file();
	b = agent_start();
	agent_expect(b, "-EBUSY", "begin key try");
	agent_expect(b, "-ENODATA", "get value");
	agent_expect(b, "@t leader", "@t begin value");
	agent_say(b, "begin key");
	assert_true(eventually(is_waited_for(a)));
	agent_expect(a, "-ESHUTDOWN", "publish new");
	agent_answers(b, "awaited new");
}

/* Nor does it serve a caller that gives up waiting for the flight there. */
static void a_flight_over_an_old_value(void **state)
{
	const struct sfshm_policy impatient = {
		.size = sizeof(impatient),
		.flags = SFSHM_STALE_ON_TIMEOUT,
		.deadline_ns = 1,
		.grace_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct agent *a = agent_start();
	struct sfshm_flight flight;
	struct sfshm *h;

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish old");
	agent_expect(a, "leader", "begin key refresh");
	remove_file();
	h = segment_open(NULL);
	assert_int_equal(sfshm_begin(h, "key", 3, &impatient, &flight, &result),
			 -ETIMEDOUT);
	agent_expect(a, "-ESHUTDOWN", "publish new");
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* A caller that may lead does not wait for a leader that is past its lease. */
static void a_flight_past_its_lease(void **state)
{
	for (int removals = 1; removals <= 2; removals++) {
		struct agent *a = agent_start(), *b;

		agent_expect(a, "leader", "begin key age=1");
		for (int i = 0; i < removals; i++) {
			remove_file();
			b = agent_start();
			agent_expect(b, "-ENODATA", "get other");
		}
		agent_expect(b, "ok", "clock 1000");
		agent_expect(b, "leader", "begin key try");
		agent_expect(b, "ok", "publish new");
		agent_expect(a, "-ESTALE", "publish late");
		agent_end_all();
		remove_file();
		segment_setup(state);
	}
}

/* Each in its own turn: of a removed one a removed one is the predecessor. */
static void removed_twice(void **state)
{
	struct agent *a = agent_start(), *b, *c;

	(void)state;
	agent_expect(a, "locked", "lock one");
	remove_file();
	b = agent_start();
	agent_expect(b, "locked", "lock two");
	remove_file();
	c = agent_start();
	agent_expect(c, "-EBUSY", "lock one try");
	agent_expect(c, "-EBUSY", "lock two try");
	agent_expect(a, "-ESHUTDOWN", "unlock one");
	agent_expect(c, "locked", "lock one try");
	agent_expect(b, "-ESHUTDOWN", "unlock two");
	agent_expect(c, "locked", "lock two try");
}

/* Nothing is left in its predecessor, says the new one. */
static bool is_let_go(void)
{
	uint32_t drained;

	forge_read(offsetof(struct shm_header, drained), &drained,
		   sizeof(drained));
	return drained;
}

/* Nobody asks there any more once nothing is left there. */
static void then_it_is_let_go(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key");
	remove_file();
	b = agent_start();
	agent_expect(b, "-EBUSY", "lock key try");
	agent_expect(b, "ok", A_WHILE);
	agent_expect(b, "-EBUSY", "lock key try");
	assert_false(is_let_go());
	agent_expect(a, "-ESHUTDOWN", "unlock key");
	agent_expect(b, "ok", A_WHILE);
	agent_expect(b, "locked", "lock key");
	assert_true(is_let_go());
}

/* Nobody had anything when the new one was made. */
static void or_at_once(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(a, "ok", "unlock key");
	remove_file();
	b = agent_start();
	assert_true(is_let_go());
	agent_expect(b, "locked", "lock key");
	agent_expect(a, "-EBUSY", "lock key try");
}

/* Its descriptors are closed: it has no byte lock to be found by. */
static void unseen_both_are_told(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "locked", "lock key");
	agent_expect(a, "ok", "close-range");
	agent_expect(a, "@t leader", "@t begin key");
	agent_expect(a, "@v leader", "@v begin own");
	remove_file();
	b = agent_start();
	agent_expect(b, "locked", "lock key");
	agent_expect(b, "@t leader", "@t begin key");
	agent_expect(a, "ok", A_WHILE);
	/*
	 * It finds the new one, and does not lead there what it leads itself.
	 */
	agent_expect(a, "@u -EBUSY", "@u begin own try");
	agent_expect(b, "-ESHUTDOWN", "unlock key");
	agent_expect(a, "-ESHUTDOWN", "unlock key");
	agent_expect(b, "@t -ESHUTDOWN", "@t publish value");
	agent_expect(a, "@t -ESHUTDOWN", "@t publish value");
	/* What begins from then on is the only one. */
	agent_expect(b, "ok", "clock 700");
	agent_expect(b, "locked", "lock key");
	agent_expect(b, "ok", "unlock key");
}

/*
 * Threads have ended what another thread of the process began there: nobody has
 * anything there any more, though that thread has not called since.
 */
static void what_others_have_ended_is_not_held(void **state)
{
	struct agent *a = agent_start(), *b;

	(void)state;
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "ok", "close-range");
	agent_expect(a, "@one locked", "@one lock key detached");
	agent_expect(a, "@two ok", "@two unlock-of one key");
	agent_expect(a, "@one leader", "@one begin value detached");
	agent_expect(a, "@two ok", "@two release-of one");
	agent_expect(a, "@one ok", "@one acquire permits max=1 detached");
	agent_expect(a, "@two ok", "@two give-back-of one");
	remove_file();
	b = agent_start();
	for (int i = 0; i < 3; i++) {
		agent_expect(b, "locked", "lock key");
		agent_expect(a, "ok", A_WHILE);
		agent_expect(a, "@three locked", "@three lock own");
		agent_expect(b, "ok", "unlock key");
		agent_expect(a, "@three ok", "@three unlock own");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(a_lock),
		in_segment(a_lock_of_the_dead),
		in_segment(a_permit),
		in_segment(a_flight),
		in_segment(a_flight_over_an_old_value),
		in_segment(a_flight_past_its_lease),
		in_segment(removed_twice),
		in_segment(then_it_is_let_go),
		in_segment(or_at_once),
		in_segment(unseen_both_are_told),
		in_segment(what_others_have_ended_is_not_held),
	};

	return test_main(tests);
}
