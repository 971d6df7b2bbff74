/* SPDX-License-Identifier: MIT */
#include "agent.h"

#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "testing.h"
#include "watch.h"

static struct agent *agents;

static const char *program(void)
{
	static char path[4096];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/agent"));
	assert_true(n > 0);
	path[n] = '\0';
	n = (ssize_t)strlen(dirname(path));
	memcpy(path + n, "/agent", sizeof("/agent"));
	return path;
}

/*
 * Uses a bare clone(), because the test needs the new process's pid as this
 * namespace has it. The child does nothing but exec.
 */
struct agent *agent_start_bare(int namespaces)
{
	struct agent *a = calloc(1, sizeof(*a));
	const char *path = program();
	int ends[2];

	assert_non_null(a);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	a->pid = (pid_t)syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
	assert_true(a->pid >= 0);
	if (a->pid == 0) {
		dup2(ends[1], 0);
		execl(path, "agent", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	a->fd = ends[0];
	a->next = agents;
	agents = a;
	return a;
}

struct agent *agent_start(void)
{
	struct agent *a = agent_start_bare(0);

	agent_expect(a, "ok", "open %s", segment);
	return a;
}

struct agent *agent_start_patient(void)
{
	struct agent *a = agent_start();

	agent_expect(a, "ok", "sleep-until-woken");
	return a;
}

static void say(struct agent *a, const char *format, va_list args)
{
	char line[4096];
	int n = vsnprintf(line, sizeof(line), format, args);

	assert_in_range(n, 1, (int)sizeof(line) - 1);
	if (send(a->fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		fail_msg("agent %d is gone: %s", (int)a->pid, line);
}

void agent_say(struct agent *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, format, args);
	va_end(args);
}

const char *agent_hear(struct agent *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, PATIENCE_MS) <= 0)
		fail_msg("agent %d does not answer", (int)a->pid);
	n = recv(a->fd, a->line, sizeof(a->line) - 1, 0);
	if (n <= 0)
		fail_msg("agent %d is gone", (int)a->pid);
	a->line[n] = '\0';
	return a->line;
}

void agent_answers(struct agent *a, const char *line)
{
	assert_string_equal(agent_hear(a), line);
}

void agent_answers_both(struct agent *a, const char *one, const char *other)
{
	bool in_order = !strcmp(agent_hear(a), one);

	assert_string_equal(a->line, in_order ? one : other);
	agent_answers(a, in_order ? other : one);
}

void agent_expect(struct agent *a, const char *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(a, format, args);
	va_end(args);
	if (strcmp(agent_hear(a), line) != 0)
		fail_msg("\"%s\" is answered with \"%s\", not \"%s\"", format,
			 a->line, line);
}

int agent_spoke(struct agent *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

void agent_signal(struct agent *a, int signal)
{
	assert_true(a->pid > 0);
	assert_int_equal(kill(a->pid, signal), 0);
}

void agent_nudge(struct agent *a)
{
	agent_signal(a, WHEN_TOLD);
}

static int wait_for(struct agent *a, int flags)
{
	int status = 0;
	pid_t r = 0;

	assert_true(a->pid > 0);
	if (!eventually((r = waitpid(a->pid, &status, flags | WNOHANG)) != 0))
		fail_msg("agent %d goes on", (int)a->pid);
	assert_int_equal(r, a->pid);
	return status;
}

int agent_gone(struct agent *a)
{
	int status = wait_for(a, 0);

	a->pid = 0;
	return status;
}

/* A field of /proc/PID/stat, counted from the state, which is 0. */
static long stat_field(const struct agent *a, int n)
{
	char path[64], text[1024] = "", *at;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)a->pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	at = strrchr(text, ')') + 2;
	while (n--)
		at = strchr(at, ' ') + 1;
	return *at >= '0' && *at <= '9' ? atol(at) : *at;
}

int agent_threads(const struct agent *a)
{
	return (int)stat_field(a, 17);
}

void agent_asleep(struct agent *a)
{
	assert_true(eventually(stat_field(a, 0) == 'S'));
}

void agent_die_unmarked(struct agent *a, const char *command)
{
	uint32_t attached, alive;

	agent_expect(a, "@t leader", "@t %s", command);
	agent_say(a, "@t exec");
	assert_true(eventually(agent_threads(a) == 1));
	agent_expect(a, "ok", "ping");
	watch_participants(&attached, &alive);
	assert_int_equal(attached, alive);
}

void agent_stopped(struct agent *a)
{
	assert_true(WIFSTOPPED(wait_for(a, WUNTRACED)));
}

void agent_kill(struct agent *a)
{
	agent_signal(a, SIGKILL);
	agent_gone(a);
}

/*
 * Waits for the agent's threads, then for its process. A thread's end waits for
 * a test that traces it.
 */
static void wait_for_all_of(const struct agent *a)
{
	pid_t gone;

	do
		gone = waitpid(-1, NULL, __WALL);
	while (gone > 0 && gone != a->pid);
}

void agent_end_all(void)
{
	while (agents) {
		struct agent *a = agents;

		agents = a->next;
		if (a->pid > 0 && !kill(a->pid, SIGKILL))
			wait_for_all_of(a);
		close(a->fd);
		free(a);
	}
}
