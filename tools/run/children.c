/* SPDX-License-Identifier: MIT */
#include "children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Deeper trees do not come up; the bound is for a tree that keeps growing. */
#define DEPTH_MAX 64

/* children_kill_all() makes this many tries, this far apart. */
#define KILL_TRIES 50
#define KILL_RETRY_MS 20

/*
 * A process's children are the children of its threads. This function reads
 * only those of the main thread, or of this thread if `parent` is 0. A command
 * whose other threads start processes is rare, and such a command itself gets
 * the signal.
 */
static size_t read_children(pid_t parent, char *text, size_t size)
{
	char path[64] = "/proc/thread-self/children";
	ssize_t n;
	int fd;

	if (parent)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
			 (int)parent, (int)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* The next number at *at, or 0. A space follows each; the last may be cut. */
static pid_t next_pid(char **at)
{
	char *end;
	long pid = strtol(*at, &end, 10);

	if (end == *at || *end != ' ')
		return 0;
	*at = end;
	return (pid_t)pid;
}

void children_signal(pid_t parent, int signal)
{
	char text[4096], *at = text;
	pid_t pid;

	if (!read_children(parent, text, sizeof(text)))
		return;
	while ((pid = next_pid(&at)))
		kill(pid, signal);
}

static void signal_tree(pid_t pid, pid_t group, int signal, int depth)
{
	char text[4096], *at = text;
	pid_t child;

	/* Children first: a parent that dies may lose them. */
	if (depth < DEPTH_MAX && read_children(pid, text, sizeof(text)))
		while ((child = next_pid(&at)))
			signal_tree(child, group, signal, depth + 1);
	if (getpgid(pid) == group)
		kill(pid, signal);
}

void children_signal_tree(pid_t pid, pid_t group, int signal)
{
	signal_tree(pid, group, signal, 0);
}

/* Reaps the dead. Returns whether children are left. */
static bool children_left(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, WNOHANG);
	while (pid > 0 || (pid < 0 && errno == EINTR));
	return !pid;
}

void children_kill_all(void)
{
	for (int i = 0; i < KILL_TRIES && children_left(); i++) {
		children_signal(0, SIGKILL);
		poll(NULL, 0, KILL_RETRY_MS);
	}
}
