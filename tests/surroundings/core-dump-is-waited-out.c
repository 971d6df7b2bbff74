/* SPDX-License-Identifier: MIT */
/*
 * A process that dumps core is alive until the core is written, and holds what
 * it owns until then. Those that wait for what it owns go on at most a slice
 * after that. The others lose at most a slice while the core is written.
 */
#include "core.h"
#include "deaths.h"

/* So large that the dump is seen while it goes on. */
#define MEBIBYTES 128

static void is_large(struct cell *c)
{
	core_prepare(c->victim, MEBIBYTES);
}

static void dump(struct cell *c)
{
	if (!eventually(core_is_written(c->victim)))
		fail_msg("no core is dumped");
	victim_is_dead(c);
	if (!c->role->holds)
		return;
	/* Nobody had its place before. */
	assert_false(agent_spoke(c->others[0]) || agent_spoke(c->others[1]));
	core_done(c->victim);
	printf("# %s: the core took %.0f ms\n", c->name,
	       (double)(now_us() - c->since_us) / 1000);
	victim_is_dead(c);
}

static const struct cause causes[] = {
	{
		.name = "a core of 128 MiB",
		.thread = "",
		.actor = "x",
		.command = "signal ABRT",
		.strike = dump,
		.prepare = is_large,
		.unmarked = true,
	},
	{
		.name = "the same, it is not the main thread",
		.thread = "t",
		.actor = "x",
		.command = "signal SEGV",
		.strike = dump,
		.prepare = is_large,
		.unmarked = true,
	},
};

int main(int argc, char **argv)
{
	const char *why = core_impossible();
	int failed;

	if (why)
		return skip_all(why);
	failed = deaths_main(argc, argv, causes,
			     sizeof(causes) / sizeof(causes[0]));
	core_end();
	return failed;
}
