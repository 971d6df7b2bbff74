/* SPDX-License-Identifier: MIT */
/*
 * The keeper process. It comes from fork() without exec(), so it calls nothing
 * that allocates, and nothing of the library. All its signals stay blocked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "close.h"
#include "keeper-messages.h"

#define KEEPER_NAME "sfshm-keeper"

/*
 * Time between two tries to kill processes that are slow to die, or that the
 * keeper may not kill.
 */
#define KILL_RETRY_MS 20

struct keeping {
	int socket;
	int deaths;    /* signalfd of SIGCHLD */
	pid_t command; /* 0: has ended */
	pid_t group;   /* the command's */
	bool on_terminal;
};

static void report(const struct keeping *k, int kind, int value)
{
	struct keeper_report r = { .kind = kind, .value = value };

	send(k->socket, &r, sizeof(r), MSG_NOSIGNAL);
}

/* Reaps dead children, reports the command's end. True: children are left. */
static bool reap(struct keeping *k)
{
	pid_t pid;
	int status;

	for (;;) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return !pid || errno != ECHILD;
		if (pid != k->command)
			continue;
		k->command = 0;
		report(k, KEEPER_ENDED, status);
	}
}

static void forget_deaths(const struct keeping *k)
{
	struct signalfd_siginfo info;

	while (read(k->deaths, &info, sizeof(info)) > 0)
		;
}

/*
 * Kills all descendants, and returns when none is left. They become children of
 * the keeper as their parents die, in whatever group or session they are.
 * Waits for a descendant that changed its user, which the keeper may not kill:
 * as long as that process runs, the run is not over.
 */
static void kill_all(struct keeping *k)
{
	struct pollfd deaths = { .fd = k->deaths, .events = POLLIN };

	while (reap(k)) {
		if (k->command && !k->on_terminal)
			kill(-k->command, SIGKILL);
		children_signal(0, SIGKILL);
		poll(&deaths, 1, KILL_RETRY_MS);
		forget_deaths(k);
	}
}

static void pass_on(const struct keeping *k, int signal)
{
	/* Once the command is reaped, its number may be another process's. */
	if (!k->command)
		children_signal(0, signal);
	else if (k->on_terminal)
		children_signal_tree(k->command, k->group, signal);
	else
		kill(-k->command, signal);
}

/* Obeys one order of the leader. Returns whether to wait for another. */
static bool obey(struct keeping *k)
{
	int order;
	ssize_t n = recv(k->socket, &order, sizeof(order), 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n == sizeof(order) && order == KEEPER_LEAVE)
		return false;
	if (n != sizeof(order) || order == SIGKILL) {
		kill_all(k);
		return false;
	}
	pass_on(k, order);
	return true;
}

static void keep(struct keeping *k)
{
	struct pollfd polled[] = {
		{ .fd = k->socket, .events = POLLIN },
		{ .fd = k->deaths, .events = POLLIN },
	};

	do {
		polled[0].revents = polled[1].revents = 0;
		poll(polled, 2, -1);
		if (polled[1].revents) {
			forget_deaths(k);
			reap(k);
		}
	} while (!polled[0].revents || obey(k));
}

/*
 * Closes the caller's descriptors, so that they do not stay open after the
 * leader's end.
 */
static void close_others(const struct keeping *k, int lock, int null)
{
	int kept[] = { k->socket, k->deaths, lock };

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close_all_but(kept, sizeof(kept) / sizeof(kept[0]));
}

/*
 * Changes the keeper's name. A user who kills sfshm-run by its name or command
 * line means the leader; the keeper must live to clean up after the leader.
 */
static void change_name(char **argv)
{
	char *start = argv[0], *end = start;

	prctl(PR_SET_NAME, KEEPER_NAME);
	if (!start)
		return;
	for (; *argv; argv++)
		if (*argv == end || end == start)
			end = *argv + strlen(*argv) + 1;
	memset(start, 0, (size_t)(end - start));
	strncpy(start, KEEPER_NAME, (size_t)(end - start) - 1);
}

static pid_t start_command(const struct keeper_job *job, int null,
			   const sigset_t *mask)
{
	pid_t keeper = getpid(), pid = fork();

	if (!pid)
		command_exec(job, null, keeper, mask);
	/*
	 * The parent and the child both set the group, so that the group is
	 * set before the keeper passes a signal on.
	 */
	if (pid > 0 && !job->on_terminal)
		setpgid(pid, pid);
	return pid;
}

_Noreturn void keeper_main(int socket, const struct keeper_job *job,
			   const sigset_t *mask)
{
	struct keeping k = {
		.socket = socket,
		.group = getpgrp(),
		.on_terminal = job->on_terminal,
	};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t set;

	if (!job->on_terminal)
		setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	k.deaths = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (null >= 0 && k.deaths >= 0)
		k.command = start_command(job, null, mask);
	if (null < 0 || k.deaths < 0 || k.command < 0) {
		report(&k, KEEPER_FAILED, errno);
		_exit(1);
	}
	/* Only now, because the command was to stay in the old session. */
	if (job->on_terminal)
		setsid();
	report(&k, KEEPER_STARTED, k.command);
	change_name(job->argv);
	close_others(&k, job->lock, null);
	keep(&k);
	_exit(0);
}
