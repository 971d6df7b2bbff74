/* SPDX-License-Identifier: MIT */
/*
 * The clocks of another time namespace show other times, so a segment from
 * there is refused. Inside one namespace, lifetimes and deadlines are as they
 * are outside.
 */
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "agent.h"
#include "watch.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* So long that it is not over before somebody has come to wait. */
#define AGE_MS 2000
/* A sleep lasts that long at least, unless it is its caller's last. */
#define SLICE_MS 75

/* Agents are born there, until leave(). False: it cannot be done. */
static bool enter(const char *offset, int *home)
{
	int fd;
	bool set;

	*home = open("/proc/self/ns/time", O_RDONLY | O_CLOEXEC);
	if (*home < 0)
		return false;
	if (unshare(CLONE_NEWTIME)) {
		close(*home);
		return false;
	}
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	set = fd >= 0 &&
	      write(fd, offset, strlen(offset)) == (ssize_t)strlen(offset);
	assert_true(set);
	close(fd);
	return true;
}

static void leave(int home)
{
	assert_int_equal(setns(home, CLONE_NEWTIME), 0);
	close(home);
}

static bool is_over(struct agent *a)
{
	agent_say(a, "get other");
	return !strcmp(agent_hear(a), "-ENODATA");
}

static void two_live_there(const char *offset)
{
	struct agent *host = agent_start(), *in[3];
	uint64_t led, began;
	int home;

	agent_expect(host, "leader", "begin key forever");
	agent_expect(host, "ok", "publish outside");
	if (!enter(offset, &home)) {
		print_message("# SKIP no time namespace to be had here\n");
		skip();
	}
	for (int i = 0; i < 3; i++)
		in[i] = agent_start_bare(0);
	leave(home);

	agent_expect(in[0], "-EPROTO", "open %s existing", segment);
	agent_say(in[0], "why");
	assert_non_null(strstr(agent_hear(in[0]), "time namespace"));
	agent_expect(host, "cached outside", "get key");
	/* Nor is one of there one for here. */
	agent_expect(host, "ok", "unlink %s", segment);
	for (int i = 0; i < 3; i++)
		agent_expect(in[i], "ok", "open %s", segment);
	agent_expect(host, "-EPROTO", "open %s existing", segment);

	agent_expect(in[1], "ok", "note-sleeps");
	led = now_ms();
	agent_expect(in[0], "leader", "begin key age=%d", AGE_MS);
	began = now_ms();
	agent_expect(in[1], "-ETIMEDOUT", "begin key timeout=30");
	assert_true(now_ms() - began >= 29);
	agent_expect(in[1], "leader", "begin key forever age=60000");
	assert_true(now_ms() - led >= AGE_MS);
	/* Its sleeps were not cut short. */
	agent_say(in[1], "count-sleeps");
	assert_in_range(atoi(agent_hear(in[1])), 2, 2 + AGE_MS / SLICE_MS);
	agent_expect(in[0], "-ESTALE", "publish late");
	agent_say(in[2], "begin key");
	agent_kill(in[1]);
	agent_answers(in[2], "leader owner_died");
	agent_expect(in[2], "ok", "publish new");
	agent_expect(in[0], "leader", "begin other ttl=3000");
	agent_expect(in[0], "ok", "publish short");
	agent_expect(in[2], "cached short", "get other");
	assert_true(eventually(is_over(in[2])));
	agent_expect(in[0], "0", "verify");
}

static void ahead(void **state)
{
	(void)state;
	two_live_there("monotonic 1000000 500000000\n");
}

static void behind(void **state)
{
	(void)state;
	if (now_ms() < 200000) {
		print_message("# SKIP the machine has only just started\n");
		skip();
	}
	two_live_there("monotonic -100 0\n");
}

/* There the host seems to have been suspended. */
static void suspended(void **state)
{
	(void)state;
	two_live_there("boottime 1000000 500000000\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(ahead),
		in_segment(behind),
		in_segment(suspended),
	};

	return test_main(tests);
}
