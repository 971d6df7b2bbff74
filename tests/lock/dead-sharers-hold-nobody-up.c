/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C20: a thread that dies while it holds a lock shared, or takes it or
 * gives it back, holds nobody up, and nobody learns of its death. Neither does
 * a writer that dies before it holds the lock. Only a wake ends the sleeps
 * here.
 */
#include "agent.h"
#include "watch.h"

static struct agent *patient(const char *command)
{
	struct agent *a = agent_start_patient();

	agent_say(a, "%s", command);
	return a;
}

/* It is attached, and has no part in what it attaches with. */
static struct agent *armed(const char *point, int passage)
{
	struct agent *a = agent_start_patient();

	agent_expect(a, "-ENODATA", "get nothing");
	agent_expect(a, "ok", "arm %s %d KILL", point, passage);
	return a;
}

/* Nothing is left of whoever died. */
static void others_go_on(void)
{
	struct agent *a = agent_start(), *b = agent_start();

	agent_expect(a, "locked", "lock key shared try");
	agent_expect(b, "locked", "lock key shared try");
	agent_expect(a, "ok", "unlock key");
	agent_expect(b, "ok", "unlock key");
	agent_expect(a, "locked", "lock key try");
	agent_expect(a, "ok", "unlock key");
	agent_expect(a, "0", "verify");
}

static void sharers_that_are_killed(void **state)
{
	struct agent *one = agent_start(), *other = agent_start(), *writer;

	(void)state;
	agent_expect(one, "locked", "lock key shared");
	agent_expect(other, "locked", "lock key shared");
	writer = patient("lock key");
	await_waiters("key", 1);
	agent_kill(one);
	assert_false(agent_spoke(writer));
	agent_kill(other);
	agent_answers(writer, "locked");
	agent_expect(writer, "ok", "unlock key");
	assert_int_equal(watch_counter("rechecks"), 0);
	others_go_on();
}

/* Nobody is asleep as it dies. */
static void sharer_that_nobody_has_missed(void **state)
{
	struct agent *a = agent_start();

	(void)state;
	agent_expect(a, "locked", "lock key shared");
	agent_kill(a);
	others_go_on();
}

static void sharer_whose_death_the_kernel_keeps_quiet(void **state)
{
	struct agent *a = agent_start(), *writer = agent_start();
	uint32_t attached, alive;

	(void)state;
	agent_expect(a, "@t locked", "@t lock key shared");
	agent_say(a, "@t exec");
	assert_true(eventually(agent_threads(a) == 1));
	agent_expect(a, "ok", "ping");
	watch_participants(&attached, &alive);
	agent_expect(writer, "locked", "lock key");
	agent_expect(writer, "ok", "unlock key");
	others_go_on();
}

static void sharer_dies_at(const char *point, const char *first,
			   const char *doing)
{
	struct agent *victim = armed(point, 1), *other = agent_start(), *writer;
	struct agent *sharer;

	/* The lock is there, and somebody shares it. */
	agent_expect(other, "locked", "lock key shared");
	if (first)
		agent_expect(victim, "locked", "%s", first);
	if (!strcmp(doing, "unlock key")) {
		writer = patient("lock key");
		await_waiters("key", 1);
		agent_expect(other, "ok", "unlock key");
		agent_say(victim, "%s", doing);
		agent_gone(victim);
	} else {
		agent_say(victim, "%s", doing);
		agent_gone(victim);
		writer = patient("lock key");
		await_waiters("key", 1);
		agent_expect(other, "ok", "unlock key");
	}
	agent_answers(writer, "locked");
	sharer = patient("lock key shared");
	await_waiters("key", 1);
	agent_expect(writer, "ok", "unlock key");
	agent_answers(sharer, "locked");
	agent_expect(sharer, "ok", "unlock key");
	assert_int_equal(watch_counter("rechecks"), 0);
	others_go_on();
}

static void share_noted(void **state)
{
	(void)state;
	sharer_dies_at("share_noted", NULL, "lock key shared");
}

static void share_taken(void **state)
{
	(void)state;
	sharer_dies_at("share_taken", NULL, "lock key shared");
}

static void share_dropped(void **state)
{
	(void)state;
	sharer_dies_at("share_dropped", "lock key shared", "unlock key");
}

/* In the sweep of its own things, as a thread that ends. */
static void share_swept(void **state)
{
	struct agent *victim = agent_start(), *writer;

	(void)state;
	agent_expect(victim, "locked", "lock key shared");
	agent_expect(victim, "ok", "arm share_swept 1 KILL");
	writer = patient("lock key");
	await_waiters("key", 1);
	agent_say(victim, "close");
	agent_gone(victim);
	agent_answers(writer, "locked");
	agent_expect(writer, "ok", "unlock key");
	assert_int_equal(watch_counter("rechecks"), 0);
	others_go_on();
}

/* As the first sharer of a lock whose waiters sleep on the holder's words. */
static void share_taken_and_nobody_woken(void **state)
{
	struct agent *holder = agent_start(), *victim = agent_start(), *other;

	(void)state;
	agent_expect(holder, "locked", "lock key");
	agent_expect(victim, "ok", "arm share_taken 1 KILL");
	agent_say(victim, "lock key shared");
	await_waiters("key", 1);
	other = patient("lock key shared");
	await_waiters("key", 2);
	agent_expect(holder, "ok", "unlock key");
	agent_answers(other, "locked");
	agent_expect(other, "ok", "unlock key");
	agent_signal(victim, SIGKILL);
	agent_gone(victim);
	others_go_on();
}

static void makers_of_the_lock(void **state)
{
	static const char *const points[] = {
		"slot_claimed", "slot_linked", "slot_busy",
		"share_noted",  "share_taken",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct agent *victim = armed(points[i], 1);
		struct agent *next = agent_start();

		agent_say(victim, "lock k%zu shared", i);
		agent_gone(victim);
		agent_expect(next, "locked", "lock k%zu try", i);
		agent_expect(next, "ok", "unlock k%zu", i);
		agent_expect(next, "0", "verify");
	}
}

/* The next one drains the lock in its place. */
static void writer_dies_at(const char *point)
{
	struct agent *sharer = agent_start(), *writer = armed(point, 1), *next;

	agent_expect(sharer, "locked", "lock key shared");
	agent_say(writer, "lock key");
	if (!strcmp(point, "share_drained")) {
		await_waiters("key", 1);
		next = patient("lock key");
		await_waiters("key", 2);
		agent_expect(sharer, "ok", "unlock key");
		agent_gone(writer);
	} else {
		agent_gone(writer);
		next = patient("lock key");
		await_waiters("key", 1);
		agent_expect(sharer, "ok", "unlock key");
	}
	agent_answers(next, "locked");
	agent_expect(next, "ok", "unlock key");
	assert_int_equal(watch_counter("rechecks"), 0);
	others_go_on();
}

static void flight_claimed(void **state)
{
	(void)state;
	writer_dies_at("flight_claimed");
}

static void wait_noted(void **state)
{
	(void)state;
	writer_dies_at("wait_noted");
}

static void share_drained(void **state)
{
	(void)state;
	writer_dies_at("share_drained");
}

/* A sharer waits behind the writer, and takes over what is left of it. */
static void writer_that_sharers_wait_for(void **state)
{
	struct agent *sharer = agent_start(), *writer, *next;

	(void)state;
	agent_expect(sharer, "locked", "lock key shared");
	writer = patient("lock key");
	await_waiters("key", 1);
	next = patient("lock key shared");
	await_waiters("key", 2);
	agent_kill(writer);
	agent_answers(next, "locked");
	agent_expect(next, "ok", "unlock key");
	agent_expect(sharer, "ok", "unlock key");
	assert_int_equal(watch_counter("rechecks"), 0);
	others_go_on();
}

/* It held the lock, so all learn of it until one has seen to that. */
static void writer_that_held_it(void **state)
{
	struct agent *writer = agent_start(), *sharer, *other = agent_start();

	(void)state;
	agent_expect(writer, "locked", "lock key");
	sharer = patient("lock key shared");
	await_waiters("key", 1);
	agent_kill(writer);
	agent_answers(sharer, "locked owner_died");
	agent_expect(other, "locked owner_died", "lock key shared");
	agent_expect(sharer, "ok", "unlock key");
	agent_kill(other);
	agent_expect(sharer, "locked owner_died", "lock key");
	agent_expect(sharer, "ok", "unlock key");
	agent_expect(sharer, "locked", "lock key shared");
	agent_expect(sharer, "ok", "unlock key");
	others_go_on();
}

/* What it leaves is a lock that one caller takes a moment later. */
static void evictor_half_way(void **state)
{
	static const struct sfshm_options small = {
		.slots = 64,
		.bytes = 64 << 10,
		.max_value = 4 << 10,
	};
	struct sfshm *h = segment_open(&small);
	struct agent *victim = armed("share_closing", 1);

	(void)state;
	for (int i = 0; i < 65; i++) {
		agent_say(victim, "lock k%d shared", i);
		if (i < 64) {
			agent_answers(victim, "locked");
			agent_expect(victim, "ok", "unlock k%d", i);
		}
	}
	agent_gone(victim);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
	others_go_on();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(sharers_that_are_killed),
		in_segment(sharer_that_nobody_has_missed),
		in_segment(sharer_whose_death_the_kernel_keeps_quiet),
		in_segment(share_noted),
		in_segment(share_taken),
		in_segment(share_taken_and_nobody_woken),
		in_segment(share_dropped),
		in_segment(share_swept),
		in_segment(makers_of_the_lock),
		in_segment(flight_claimed),
		in_segment(wait_noted),
		in_segment(share_drained),
		in_segment(writer_that_sharers_wait_for),
		in_segment(writer_that_held_it),
		in_segment(evictor_half_way),
	};

	return test_main(tests);
}
