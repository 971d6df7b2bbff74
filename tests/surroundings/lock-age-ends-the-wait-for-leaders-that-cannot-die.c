/* SPDX-License-Identifier: MIT */
/*
 * A leader that is stopped, frozen, traced or dumps core is alive. When its
 * lock_age_ms is over, another caller takes its flight all the same; without
 * one, a caller's own deadline ends that caller's wait. A leader that goes on
 * afterwards is fenced.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core.h"
#include "deaths.h"
#include "watch.h"

/* Less than a sleep lasts that is to end by itself. */
#define AGE_MS 40

/* A way to keep an agent from going on, and to let it. */
struct halt {
	const char *name;
	bool (*stop)(struct agent *a); /* false: cannot be done here */
	void (*go_on)(struct agent *a);
};

static bool by_signal(struct agent *a)
{
	agent_signal(a, SIGSTOP);
	agent_stopped(a);
	return true;
}

static void continue_by_signal(struct agent *a)
{
	agent_signal(a, SIGCONT);
}

static bool by_tracer(struct agent *a)
{
	if (ptrace(PTRACE_SEIZE, a->pid, NULL, NULL))
		return false;
	assert_int_equal(ptrace(PTRACE_INTERRUPT, a->pid, NULL, NULL), 0);
	agent_stopped(a);
	return true;
}

static void untrace(struct agent *a)
{
	assert_int_equal(ptrace(PTRACE_DETACH, a->pid, NULL, NULL), 0);
}

/* The freezer of either cgroup version. */
static char cgroup[128];
static bool second_version;

static bool write_file(const char *name, const char *text)
{
	char path[256];
	int fd;
	bool written;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd >= 0 &&
		  write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return written;
}

static bool file_says(const char *name, const char *text)
{
	char path[256], got[256] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)!read(fd, got, sizeof(got) - 1);
	close(fd);
	return strstr(got, text) != NULL;
}

static bool make_freezer(void)
{
	static const char *const roots[] = {
		"/sys/fs/cgroup/freezer",
		"/sys/fs/cgroup",
		"/sys/fs/cgroup/unified",
	};

	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		second_version = i > 0;
		snprintf(cgroup, sizeof(cgroup), "%s/%s", roots[i], segment);
		if (mkdir(cgroup, 0755))
			continue;
		if (file_says(second_version ? "cgroup.events" :
					       "freezer.state",
			      second_version ? "frozen" : "THAWED"))
			return true;
		rmdir(cgroup);
	}
	cgroup[0] = '\0';
	return false;
}

static bool by_freezer(struct agent *a)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)a->pid);
	if (!make_freezer())
		return false;
	if (!write_file("cgroup.procs", pid))
		return false;
	if (second_version) {
		assert_true(write_file("cgroup.freeze", "1"));
		assert_true(eventually(file_says("cgroup.events", "frozen 1")));
	} else {
		assert_true(write_file("freezer.state", "FROZEN"));
		assert_true(eventually(file_says("freezer.state", "FROZEN")));
	}
	return true;
}

static void thaw(struct agent *a)
{
	(void)a;
	if (second_version)
		write_file("cgroup.freeze", "0");
	else
		write_file("freezer.state", "THAWED");
}

static const struct halt halts[] = {
	{ "SIGSTOP", by_signal, continue_by_signal },
	{ "a tracer", by_tracer, untrace },
	{ "the cgroup freezer", by_freezer, thaw },
};

/* It began at `led_ms`. The heir slept to its age's end, and no further. */
static void was_in_time(uint64_t led_ms)
{
	assert_true(now_ms() >= led_ms + AGE_MS);
	assert_int_equal(watch_counter("rechecks"), 0);
}

static void is_stolen_from(const struct halt *h)
{
	struct agent *old = agent_start(), *a = agent_start();
	uint64_t led = now_ms();

	agent_expect(old, "leader", "begin key forever age=%d", AGE_MS);
	if (!h->stop(old)) {
		print_message("# SKIP %s cannot be had here\n", h->name);
		skip();
	}
	agent_expect(a, "leader", "begin key forever age=%d", AGE_MS);
	was_in_time(led);
	agent_expect(a, "ok", "publish new");
	h->go_on(old);
	agent_expect(old, "-ESTALE", "publish old");
	agent_expect(old, "cached new", "get key");
	agent_expect(a, "0", "verify");
	agent_kill(old);
	agent_expect(a, "0", "verify");
}

/* What is frozen cannot be killed. */
static int thaw_and_end(void **state)
{
	int r;

	if (cgroup[0])
		thaw(NULL);
	r = segment_teardown(state);
	if (cgroup[0])
		rmdir(cgroup);
	cgroup[0] = '\0';
	return r;
}

static void stopped(void **state)
{
	(void)state;
	is_stolen_from(&halts[0]);
}

static void traced(void **state)
{
	(void)state;
	is_stolen_from(&halts[1]);
}

static void frozen(void **state)
{
	(void)state;
	is_stolen_from(&halts[2]);
}

/* Without an age it keeps its flight for as long as it likes. */
static void only_deadlines_end_it_without(void **state)
{
	struct agent *leader = agent_start(), *a = agent_start();
	uint64_t began;

	(void)state;
	agent_expect(leader, "leader", "begin key forever");
	by_signal(leader);
	began = now_ms();
	agent_expect(a, "-ETIMEDOUT", "begin key timeout=300");
	assert_true(now_ms() - began >= 300);
	/* It has looked again four times at most: then that was its end. */
	assert_in_range(watch_counter("rechecks"), 0, 4);
	assert_int_equal(watch_counter("steals"), 0);
	assert_int_equal(watch_counter("suspects"), 0);
	agent_say(a, "begin key");
	await_waiters("key", 1);
	continue_by_signal(leader);
	agent_expect(leader, "ok", "publish late");
	agent_answers(a, "awaited late");
}

static void dumping_core(void **state)
{
	struct agent *old = agent_start(), *a = agent_start();
	const char *why = core_impossible();
	uint64_t led;

	(void)state;
	if (why) {
		print_message("# SKIP %s\n", why);
		skip();
	}
	core_prepare(old, 256);
	led = now_ms();
	agent_expect(old, "leader", "begin key age=%d", AGE_MS);
	agent_signal(old, SIGABRT);
	assert_true(eventually(core_is_written(old)));
	agent_say(a, "begin key age=%d", AGE_MS);
	if (!strcmp(agent_hear(a), "leader owner_died"))
		print_message("# the core was written before that\n");
	else
		assert_string_equal(a->line, "leader");
	was_in_time(led);
	agent_expect(a, "ok", "publish new");
	core_done(old);
	core_end();
	agent_expect(a, "0", "verify");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(stopped),
		in_segment(traced),
		cmocka_unit_test_setup_teardown(frozen, segment_setup,
						thaw_and_end),
		in_segment(only_deadlines_end_it_without),
		in_segment(dumping_core),
	};

	return test_main(tests);
}
