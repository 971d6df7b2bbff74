/* SPDX-License-Identifier: MIT */
#include "deaths.h"

#include <signal.h>
#include <time.h>

#include "watch.h"

#define SLOTS 16
#define ALL (64 << 10)
#define MOST_CELLS 512

static const struct sfshm_options small = {
	.size = sizeof(small),
	.slots = SLOTS,
	.bytes = ALL,
	.max_value = ALL,
};

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void victim_is_dead(struct cell *c)
{
	c->since_us = now_us();
	c->rechecks = watch_counter("rechecks");
}

int victim_gone(struct cell *c)
{
	int status = agent_gone(c->victim);

	victim_is_dead(c);
	return status;
}

/* Lets the victim's thread that has the role do the command. */
static void victim_does(struct cell *c, const char *command, const char *answer)
{
	const char *t = c->cause->thread;
	char line[64];

	snprintf(line, sizeof(line), "%s%s%s%s", *t ? "@" : "", t,
		 *t ? " " : "", answer);
	agent_expect(c->victim, line, "%s%s%s%s", *t ? "@" : "", t,
		     *t ? " " : "", command);
}

static void victim_follows(struct cell *c)
{
	const char *t = c->cause->thread;

	agent_say(c->victim, "%s%s%sbegin key", *t ? "@" : "", t,
		  *t ? " " : "");
	await_waiters("key", 1);
}

static void lead(struct cell *c)
{
	victim_does(c, "begin key", "leader");
	for (int i = 0; i < 2; i++) {
		agent_say(c->others[i], "begin key");
		await_waiters("key", (uint32_t)i + 1);
	}
}

/*
 * One of the others takes over and learns of the death, unless nobody can know;
 * the other one follows it.
 */
static void after_leader(struct cell *c)
{
	const char *answer = c->cause->leaves ? "leader" : "leader owner_died";
	int heir;

	assert_true(eventually(agent_spoke(c->others[0]) ||
			       agent_spoke(c->others[1])));
	heir = agent_spoke(c->others[0]) ? 0 : 1;
	agent_hear(c->others[heir]);
	c->took_us = now_us() - c->since_us;
	if (!c->cause->suspected || strcmp(c->others[heir]->line, "leader"))
		assert_string_equal(c->others[heir]->line, answer);
	agent_expect(c->others[heir], "ok", "publish second");
	agent_answers(c->others[!heir], "awaited second");
	if (!c->cause->suspected)
		assert_int_equal(watch_counter("owner_died"),
				 !c->cause->leaves);
}

/* Makes the victim the first of the followers. */
static void follow(struct cell *c)
{
	agent_expect(c->others[0], "leader", "begin key");
	victim_follows(c);
	agent_say(c->others[1], "begin key");
	await_waiters("key", 2);
}

/*
 * The leader dies with the victim: the wake for the leader's death must not be
 * lost with it.
 */
static void after_follower(struct cell *c)
{
	agent_signal(c->others[0], SIGKILL);
	agent_gone(c->others[0]);
	c->rechecks = watch_counter("rechecks");
	agent_answers(c->others[1], "leader owner_died");
	c->took_us = now_us() - c->since_us;
	agent_expect(c->others[1], "ok", "publish second");
}

/* Tries to give the key a value that takes all memory. */
static bool fill_up(struct agent *a)
{
	agent_expect(a, "leader", "begin key refresh forever");
	agent_say(a, "publish-bytes %d 2", ALL);
	if (strcmp(agent_hear(a), "ok") != 0)
		agent_expect(a, "ok", "release");
	agent_say(a, "get key");
	return !strcmp(agent_hear(a), "cached bytes 65536 2");
}

/* Gives the victim a pin on all memory there is, of a value that is gone. */
static void read_value(struct cell *c)
{
	struct agent *a = c->others[0];

	agent_expect(a, "leader", "begin pinned forever");
	agent_expect(a, "ok", "publish-bytes %d 1", ALL);
	victim_does(c, "pin pinned", "ok");
	agent_expect(a, "ok", "forget pinned");
	assert_false(fill_up(a));
}

/*
 * A caller that needs the memory gets it: at its first try after the end of the
 * victim, or at some try if the victim goes on.
 */
static void after_reader(struct cell *c)
{
	/* The process is not proven dead until its zombie is gone. */
	if (c->cause->suspected)
		assert_false(fill_up(c->others[0]));
	if (c->cause->goes_on) {
		assert_true(eventually(fill_up(c->others[0])));
	} else {
		if (c->victim->pid)
			victim_gone(c);
		assert_true(fill_up(c->others[0]));
	}
	c->took_us = now_us() - c->since_us;
	agent_expect(c->others[1], "cached bytes 65536 2", "get key");
}

static const struct role roles[] = {
	{ "leader", false, true, lead, after_leader },
	{ "follower", true, false, follow, after_follower },
	{ "reader", false, true, read_value, after_reader },
};

#define ROLES (sizeof(roles) / sizeof(roles[0]))

/*
 * A sleeping thread does the command in a handler of a signal that another
 * thread sends.
 */
static void say_command(struct cell *c, const char *told)
{
	const struct cause *k = c->cause;
	const char *actor = k->actor;

	if (c->role->asleep && !strcmp(actor, k->thread))
		agent_say(c->victim, "@helper %sinterrupt %s %s", told,
			  *actor ? actor : "main", k->command);
	else
		agent_say(c->victim, "%s%s%s%s%s", *actor ? "@" : "", actor,
			  *actor ? " " : "", told, k->command);
}

/*
 * Whether the command is told before the sleep: to another thread, since a main
 * thread that sleeps reads none.
 */
static bool told_before(const struct cell *c)
{
	return c->cause->command && c->role->asleep && !*c->cause->thread;
}

static void make_ready(struct cell *c)
{
	if (c->cause->prepare)
		c->cause->prepare(c);
	if (!told_before(c))
		return;
	say_command(c, "when-told ");
	agent_hear(c->victim);
}

static void strike(struct cell *c)
{
	victim_is_dead(c);
	if (told_before(c))
		agent_nudge(c->victim);
	else if (c->cause->command)
		say_command(c, "");
	if (c->cause->strike)
		c->cause->strike(c);
}

/* Leads as many keys as there are slots, at once: all slots can be used. */
static void all_slots_are_there(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flights[SLOTS];
	char key[16];

	for (int i = 0; i < SLOTS; i++) {
		int n = snprintf(key, sizeof(key), "slot-%d", i);

		assert_int_equal(sfshm_begin(h, key, (size_t)n, NULL,
					     &flights[i], &result),
				 SFSHM_LEADER);
	}
	for (int i = 0; i < SLOTS; i++)
		assert_int_equal(sfshm_release(&flights[i]), 0);
	sfshm_result_clear(&result);
}

static void all_memory_is_there(struct sfshm *h)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static uint8_t data[ALL];
	struct sfshm_flight flight;

	assert_int_equal(sfshm_begin(h, "large", 5, &policy, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, data, ALL), 0);
	sfshm_result_clear(&result);
}

/* Only the agents that went on, and the test, are attached. */
static bool victim_is_swept(struct cell *c)
{
	uint32_t attached, alive;

	assert_true(sfshm_verify(c->handle, NULL, NULL) >= 0);
	watch_participants(&attached, &alive);
	return attached == alive && attached == (c->role->asleep ? 2 : 3);
}

static void nothing_is_left(struct cell *c)
{
	if (c->cause->suspected && c->victim->pid)
		agent_gone(c->victim);
	assert_true(eventually(victim_is_swept(c)));
	assert_sound(c->handle);
	assert_true(sfshm_purge(c->handle) >= 0);
	all_slots_are_there(c->handle);
	all_memory_is_there(c->handle);
	assert_sound(c->handle);
}

/*
 * Starts an agent that goes on. Where the kernel announces the death, the agent
 * needs no re-check.
 */
static struct agent *other_start(const struct cell *c)
{
	struct agent *a = agent_start();

	if (!c->cause->unmarked)
		agent_expect(a, "ok", "sleep-until-woken");
	return a;
}

static void one_cell(void **state)
{
	struct cell *c = *state;
	uint64_t rechecks;

	c->handle = segment_open(&small);
	c->victim = agent_start();
	c->others[0] = other_start(c);
	c->others[1] = other_start(c);
	make_ready(c);
	c->role->take(c);
	strike(c);
	c->role->recover(c);
	rechecks = watch_counter("rechecks") - c->rechecks;
	c->done = true;
	if (rechecks > (c->cause->unmarked ? 2 : 0))
		fail_msg("%d looks at the dead were in vain", (int)rechecks);
	nothing_is_left(c);
	assert_int_equal(sfshm_close(c->handle), 0);
}

/* Prints a row for each cause. */
static void print_times(const struct cell *cells, size_t n)
{
	const struct cause *row = NULL;

	printf("# recovery, ms\n");
	printf("# %-50s", "");
	for (size_t i = 0; i < ROLES; i++)
		printf("%10s", roles[i].name);
	for (size_t i = 0; i < n; i++) {
		if (!cells[i].done)
			continue;
		if (cells[i].cause != row)
			printf("\n# %-50s", cells[i].cause->name);
		row = cells[i].cause;
		printf("%10.1f", (double)cells[i].took_us / 1000);
	}
	printf("\n");
}

/* Otherwise the sanitizer sleeps for a second in exit(). */
static void hurry_sanitizer(void)
{
	const char *options = getenv("TSAN_OPTIONS");
	char more[1024];

	snprintf(more, sizeof(more), "%s:atexit_sleep_ms=0",
		 options ? options : "");
	setenv("TSAN_OPTIONS", more, 1);
}

int deaths_main(int argc, char **argv, const struct cause *causes, size_t n)
{
	static struct CMUnitTest tests[MOST_CELLS];
	static struct cell cells[MOST_CELLS];
	size_t count = 0;
	int failed;

	for (size_t i = 0; i < n * ROLES; i++) {
		struct cell *c = &cells[count];

		c->cause = &causes[i / ROLES];
		c->role = &roles[i % ROLES];
		if (c->cause->awake && c->role->asleep)
			continue;
		snprintf(c->name, sizeof(c->name), "%s: %s", c->role->name,
			 c->cause->name);
		tests[count++] = (struct CMUnitTest){
			c->name, one_cell, segment_setup, segment_teardown, c,
		};
		demand(count < MOST_CELLS);
	}
	testing_begin(argc, argv);
	hurry_sanitizer();
	failed = _cmocka_run_group_tests(argv[0], tests, count, NULL, NULL);
	print_times(cells, count);
	return failed;
}
