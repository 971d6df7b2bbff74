/* SPDX-License-Identifier: MIT */
/*
 * A call that a resource limit prevents answers an error, leaves nothing
 * behind, and succeeds once the limit is gone. Processes without the limit go
 * on.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent.h"
#include "watch.h"

#define VALUE "publish-bytes 900000 1"

/* One that has started: it has only what it needs. */
static struct agent *agent_ready(void)
{
	struct agent *a = agent_start_bare(0);

	agent_expect(a, "@t ok", "@t ping");
	return a;
}

static int descriptors(const struct agent *a)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)a->pid);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static unsigned long address_space(const struct agent *a)
{
	unsigned long pages;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)a->pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return pages * 4096;
}

/* Opens with ever more descriptors allowed; says how many it took. */
static void open_within(const char *how)
{
	struct agent *a = agent_ready();
	int had = descriptors(a), n;

	for (n = 3;; n++) {
		agent_expect(a, "ok", "limit nofile %d", n);
		agent_say(a, "open %s %s", segment, how);
		if (!strcmp(agent_hear(a), "ok"))
			break;
		assert_string_equal(a->line, "-EMFILE");
		assert_int_equal(descriptors(a), had);
		assert_in_range(n, 3, 20);
	}
	assert_true(n > 3);
	/* Nothing more is needed for all the rest. */
	agent_expect(a, "ok", "limit nofile 3");
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", VALUE);
	agent_expect(a, "cached bytes 900000 1", "get key");
	agent_expect(a, "@t leader", "@t begin other");
	agent_expect(a, "0", "verify");
}

static void descriptors_to_make_it(void **state)
{
	(void)state;
	open_within("");
}

static void descriptors_to_open_it(void **state)
{
	(void)state;
	agent_start();
	open_within("existing");
}

/* Deaths are noticed without. */
static void descriptors_of_a_follower(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();

	(void)state;
	agent_expect(a, "ok", "limit nofile 0");
	agent_expect(leader, "leader", "begin key");
	agent_say(a, "begin key");
	await_waiters("key", 1);
	agent_kill(leader);
	agent_answers(a, "leader owner_died");
	agent_expect(a, "ok", "publish second");
}

/* Following a resize takes one: until then the handle says so. */
static void descriptors_to_follow_a_resize(void **state)
{
	struct agent *a = agent_start(), *b = agent_start();

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish old");
	agent_expect(a, "ok", "limit nofile 3");
	agent_expect(b, "ok", "resize %s slots=50000", segment);
	agent_expect(a, "-EMFILE", "get key");
	agent_expect(b, "cached old", "get key");
	agent_expect(a, "ok", "limit nofile");
	agent_expect(a, "cached old", "get key");
}

static void address_space_to_open_it(void **state)
{
	struct agent *a = agent_ready();
	unsigned long has = address_space(a), more = 0;
	int had = descriptors(a);

	(void)state;
	if (SLOWNESS > 1) {
		print_message("# SKIP sanitizers need address space\n");
		skip();
	}
	for (;; more += 1 << 20) {
		assert_in_range(more, 0, 64 << 20);
		agent_expect(a, "ok", "limit as %lu", has + more);
		agent_say(a, "open %s", segment);
		if (!strcmp(agent_hear(a), "ok"))
			break;
		assert_string_equal(a->line, "-ENOMEM");
		assert_int_equal(descriptors(a), had);
	}
	assert_true(more > 0);
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish value");
	agent_expect(a, "cached value", "get key");
}

/* One has no room for the result; the others have. */
static void address_space_for_a_result(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start(),
		     *b = agent_start();

	(void)state;
	if (SLOWNESS > 1) {
		print_message("# SKIP sanitizers need address space\n");
		skip();
	}
	agent_expect(a, "-ENODATA", "get key");
	agent_expect(a, "ok", "limit as %lu", address_space(a));
	agent_expect(leader, "leader", "begin key forever");
	agent_say(a, "begin key");
	agent_say(b, "begin key");
	await_waiters("key", 2);
	agent_expect(leader, "ok", VALUE);
	agent_answers(a, "-ENOMEM");
	agent_answers(b, "awaited bytes 900000 1");
	agent_expect(a, "-ENOMEM", "get key");
	agent_expect(a, "ok", "limit as");
	agent_expect(a, "cached bytes 900000 1", "get key");
	agent_expect(a, "0", "verify");
}

/*
 * The system's answer to a file beyond the limit is a signal, which kills;
 * nothing is left. A segment that is there grows regardless.
 */
static void file_size(void **state)
{
	struct agent *a = agent_start_bare(0), *b;

	(void)state;
	agent_expect(a, "ok", "limit fsize 65536");
	agent_say(a, "open %s", segment);
	assert_int_equal(agent_gone(a), SIGXFSZ);
	assert_int_equal(access(watch_path(), F_OK), -1);
	b = agent_start();
	agent_expect(b, "ok", "limit fsize 65536");
	agent_expect(b, "leader", "begin key forever");
	agent_expect(b, "ok", VALUE);
	agent_expect(b, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(descriptors_to_make_it),
		in_segment(descriptors_to_open_it),
		in_segment(descriptors_of_a_follower),
		in_segment(descriptors_to_follow_a_resize),
		in_segment(address_space_to_open_it),
		in_segment(address_space_for_a_result),
		in_segment(file_size),
	};

	return test_main(tests);
}
