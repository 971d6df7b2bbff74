/* SPDX-License-Identifier: MIT */
/*
 * If a seccomp filter denies madvise(2), from the start or later on, the
 * library reserves memory by fallocate(2), and calls succeed. fallocate(2)
 * needs the segment's descriptor: a program that has closed the descriptor gets
 * an error.
 */
#include "agent.h"
#include "watch.h"

#define KEYS 100

static struct agent *opener(bool before)
{
	struct agent *a = agent_start_bare(0);

	if (before)
		agent_expect(a, "ok", "deny madvise");
	agent_expect(a, "ok", "open %s slots=16 bytes=262144 max=65536",
		     segment);
	agent_expect(a, "-ENODATA", "get key");
	if (!before)
		agent_expect(a, "ok", "deny madvise");
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
static void all_go_on(bool before)
{
	struct agent *a = opener(before), *b = opener(before);

	makes_room(a, 0);
	agent_expect(b, "0", "verify");
	makes_room(b, KEYS);
	leads_and_follows(a, b);
}

static void from_the_start(void **state)
{
	(void)state;
	all_go_on(true);
}

static void later_on(void **state)
{
	(void)state;
	all_go_on(false);
}

static void unless_the_descriptor_is_closed(void **state)
{
	struct agent *a = agent_start_bare(0);

	(void)state;
	agent_expect(a, "ok", "deny madvise");
	agent_expect(a, "ok", "open %s", segment);
	agent_expect(a, "ok", "close-range");
	agent_expect(a, "-EBADF", "get key");
	agent_expect(a, "ok", "close");
	agent_expect(a, "ok", "open %s", segment);
	agent_expect(a, "-ENODATA", "get key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(from_the_start),
		in_segment(later_on),
		in_segment(unless_the_descriptor_is_closed),
	};

	return test_main(tests);
}
