/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "event-command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM_FIRST 4096

/* The child of `parent` becomes the command. */
static void become(char *const words[], char *key, int out, pid_t parent)
{
	char *argv[COMMAND_WORDS_MAX + 2] = { NULL };
	int n = 0;

	for (; words[n]; n++)
		argv[n] = words[n];
	argv[n] = key;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && dup2(out, STDOUT_FILENO) >= 0)
		execvp(argv[0], argv);
	_exit(127);
}

/* Only the loop's end of the pipe is non-blocking: a command may rely on a
   write that waits for room. */
int command_start(struct command *c, char *const words[], char *key,
		  size_t limit)
{
	pid_t parent = getpid();
	int ends[2], r;

	*c = (struct command){ .limit = limit };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	c->pid = fork();
	if (c->pid == 0)
		become(words, key, ends[1], parent);
	r = c->pid < 0 ? -errno : ends[0];
	close(ends[1]);
	if (r < 0)
		close(ends[0]);
	return r;
}

/* Kills the command, since the server wants no more output, and notes why. */
static bool give_up(struct command *c, const char *failure)
{
	c->failure = failure;
	kill(c->pid, SIGKILL);
	return false;
}

/* Doubles the room, up to the limit. */
static bool grow(struct command *c)
{
	size_t room = c->room ? 2 * c->room : ROOM_FIRST;
	char *output;

	if (room > c->limit)
		room = c->limit;
	output = realloc(c->output, room);
	if (!output)
		return false;
	c->output = output;
	c->room = room;
	return true;
}

bool command_read(struct command *c, int fd)
{
	ssize_t n;

	if (c->len == c->room && !grow(c))
		return give_up(c, "the server has no memory for the output");
	n = read(fd, c->output + c->len, c->room - c->len);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->len += (size_t)n;
	if (c->len == c->limit)
		return give_up(c, "the command printed too much; print less, "
				  "or resize the segment with a larger "
				  "max_value");
	return true;
}

int command_watch_end(const struct command *c)
{
	return (int)syscall(SYS_pidfd_open, c->pid, 0);
}

const char *command_end(struct command *c)
{
	int status = 0;

	waitpid(c->pid, &status, 0);
	if (c->len && c->output[c->len - 1] == '\n')
		c->len--;
	if (c->failure)
		return c->failure;
	return status ? "the command failed; "
			"the server's standard error may say why" :
			NULL;
}
