/* SPDX-License-Identifier: MIT */
/*
 * Where a seccomp filter denies membarrier(2), from the start or later on,
 * readers fence for themselves and all goes on; only who wants room while
 * others rely on membarrier may have to leave it to them. The same where it
 * denies what reserves memory.
 */
#include "agent.h"
#include "watch.h"

#define KEYS 100
#define SOON_MS (1000 * SLOWNESS)

static struct agent *opener(const char *denied, bool before)
{
	struct agent *a = agent_start_bare(0);

	if (before)
		agent_expect(a, "ok", "deny %s", denied);
	agent_expect(a, "ok", "open %s slots=16 bytes=262144 max=65536",
		     segment);
	agent_expect(a, "-ENODATA", "get key");
	if (!before)
		agent_expect(a, "ok", "deny %s", denied);
	return a;
}

/* More keys than there are slots: each needs a grace period. */
static void makes_room(struct agent *a, int from)
{
	for (int i = from; i < from + KEYS; i++) {
		agent_expect(a, "leader", "begin key-%d forever", i);
		agent_expect(a, "ok", "publish-bytes 30000 %d", i % 100);
		agent_expect(a, "ok", "pin key-%d", i);
		agent_expect(a, "ok", "unpin");
	}
}

static void leads_and_follows(struct agent *a, struct agent *b)
{
	agent_expect(a, "leader", "begin flight");
	agent_say(b, "begin flight");
	await_waiters("flight", 1);
	agent_kill(a);
	agent_answers(b, "leader owner_died");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

/* All are denied it. */
static void all_go_on(const char *denied, bool before)
{
	struct agent *a = opener(denied, before), *b = opener(denied, before);

	makes_room(a, 0);
	agent_expect(b, "0", "verify");
	makes_room(b, KEYS);
	leads_and_follows(a, b);
}

static void membarrier_from_the_start(void **state)
{
	(void)state;
	all_go_on("membarrier", true);
	assert_true(watch_counter("evictions") > 0);
}

/* Leads keys until one finds no room; false: all do. */
static bool runs_out_of_room(struct agent *a, int from)
{
	for (int i = from; i < from + KEYS; i++) {
		uint64_t began = now_ms();

		agent_say(a, "begin key-%d forever", i);
		if (!strcmp(agent_hear(a), "leader")) {
			agent_say(a, "publish-bytes 30000 1");
			if (strcmp(agent_hear(a), "ok") != 0)
				agent_expect(a, "ok", "release");
		}
		/* A clear error, and soon. */
		assert_in_range(now_ms() - began, 0, SOON_MS);
		if (!strcmp(a->line, "ok"))
			continue;
		return true;
	}
	return false;
}

/* Each finds that out when it first wants room; from then on all have it. */
static void membarrier_later_on(void **state)
{
	struct agent *a = opener("membarrier", false);
	struct agent *b = opener("membarrier", false);

	(void)state;
	for (int i = 0; i < 2; i++) {
		runs_out_of_room(a, (2 * i + 1) * KEYS);
		runs_out_of_room(b, (2 * i + 2) * KEYS);
	}
	makes_room(a, 0);
	makes_room(b, 10 * KEYS);
	leads_and_follows(a, b);
}

static void madvise_from_the_start(void **state)
{
	(void)state;
	all_go_on("madvise", true);
}

static void madvise_later_on(void **state)
{
	(void)state;
	all_go_on("madvise", false);
}

/* The one that has it makes room as ever, with the other one there. */
static void one_has_it(void **state)
{
	struct agent *a = opener("membarrier", true), *b = agent_start();

	(void)state;
	agent_expect(a, "no", "has-membarrier");
	agent_expect(b, "yes", "has-membarrier");
	makes_room(b, 0);
	agent_expect(a, "cached bytes 30000 99", "get key-99");
	leads_and_follows(a, b);
}

static void the_other_one_wants_room(void **state)
{
	struct agent *a = opener("membarrier", true), *b = agent_start();
	int i = 0;

	(void)state;
	agent_expect(b, "-ENODATA", "get key");
	assert_true(runs_out_of_room(a, 0));
	/* Once the other one makes some, it has its share. */
	do {
		agent_say(b, "purge");
		assert_true(atoi(agent_hear(b)) > 0);
		makes_room(b, KEYS);
		agent_say(a, "begin mine");
	} while (strcmp(agent_hear(a), "leader") != 0 && i++ < 100);
	assert_string_equal(a->line, "leader");
	agent_expect(a, "ok", "publish value");
	agent_expect(b, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(membarrier_from_the_start),
		in_segment(membarrier_later_on),
		in_segment(madvise_from_the_start),
		in_segment(madvise_later_on),
		in_segment(one_has_it),
		in_segment(the_other_one_wants_room),
	};

	return test_main(tests);
}
