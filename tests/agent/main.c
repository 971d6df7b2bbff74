/* SPDX-License-Identifier: MIT */
#include "agent.h"
#include "lane.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/atomics.h"

#define LINE_MAX_BYTES 4096

__thread struct lane *this_lane;
struct sfshm *handle;
struct sfshm_cancel token;
static struct lane main_lane = { .result = SFSHM_RESULT_INIT };
static struct lane *lanes;

static const struct command *const tables[] = {
	segment_commands, flight_commands, death_commands,     odd_commands,
	rights_commands,  lock_commands,   semaphore_commands,
};

/*
 * The test tells lanes when to go on, by way of another process, so
 * ThreadSanitizer cannot see their order. This makes it visible.
 */
static void take_turns(void)
{
	static uint32_t turns;

	fetch_add_acq_rel(&turns, 1);
}

void reply(const struct lane *lane, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	int n = 0, m;
	va_list args;

	if (lane->name[0])
		n = snprintf(line, sizeof(line), "@%s ", lane->name);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	va_end(args);
	take_turns();
	if (m < 0 || send(0, line, (size_t)n + (size_t)m, MSG_NOSIGNAL) < 0)
		_exit(3);
}

void reply_code(const struct lane *lane, int code)
{
	if (code < 0)
		reply(lane, "-%s", strerrorname_np(-code));
	else
		reply(lane, "ok");
}

char *word(char **rest)
{
	char *w = *rest + strspn(*rest, " ");
	size_t n = strcspn(w, " ");

	*rest = w + n;
	if (**rest)
		*(*rest)++ = '\0';
	return w;
}

void obey(struct lane *lane, char *line)
{
	char *rest = line;
	const char *name = word(&rest);

	take_turns();
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct command *c = tables[t]; c->name; c++)
			if (!strcmp(c->name, name)) {
				c->run(lane, rest);
				return;
			}
	reply(lane, "no such command: %s", name);
}

/* Waiting for the next line is a cancellation point. */
static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	char line[LINE_MAX_BYTES];
	uint32_t n;

	this_lane = lane;
	while (read(lane->lines[0], &n, sizeof(n)) == sizeof(n)) {
		if (read(lane->lines[0], line, n) != (ssize_t)n)
			_exit(4);
		line[n] = '\0';
		obey(lane, line);
	}
	return NULL;
}

struct lane *lane_find(const char *name)
{
	struct lane *l = load_acquire(&lanes);

	if (!strcmp(name, "main"))
		return &main_lane;
	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return l;
}

struct lane *lane_get(const char *name)
{
	struct lane *l = lane_find(name);

	if (l)
		return l;
	l = calloc(1, sizeof(*l));
	if (!l || pipe(l->lines))
		return NULL;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	l->next = lanes;
	store_release(&lanes, l);
	return pthread_create(&l->thread, NULL, lane_main, l) ? NULL : l;
}

static void pass_on(char *line)
{
	char *rest = line;
	struct lane *l = lane_get(word(&rest) + 1);
	uint32_t n = (uint32_t)strlen(rest);

	if (!l || write(l->lines[1], &n, sizeof(n)) < 0 ||
	    write(l->lines[1], rest, n) < 0)
		_exit(5);
}

static void fire(int signal)
{
	(void)signal;
	sfshm_cancel_fire(&token);
}

int main(void)
{
	struct rlimit core;
	char line[LINE_MAX_BYTES];
	sigset_t told;
	ssize_t n;

	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &core);
	sigemptyset(&told);
	sigaddset(&told, WHEN_TOLD);
	pthread_sigmask(SIG_BLOCK, &told, NULL);
	main_lane.thread = pthread_self();
	this_lane = &main_lane;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, fire);
	while ((n = recv(0, line, sizeof(line) - 1, 0)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		if (line[0] == '@')
			pass_on(line);
		else
			obey(&main_lane, line);
	}
	/* The test is over. */
	_exit(0);
}
