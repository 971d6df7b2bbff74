/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/complain.h"
#include "keeper-messages.h"
#include "options.h"
#include "signals.h"

/* Finds the program's file as execvp() does. Allocates nothing. */
static bool find_program(const char *program, char *path, size_t size)
{
	const char *at = getenv("PATH"), *end;

	if (strchr(program, '/'))
		return snprintf(path, size, "%s", program) < (int)size &&
		       !access(path, F_OK);
	for (; at && *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (snprintf(path, size, "%.*s/%s", (int)(end - at), at,
			     program) < (int)size &&
		    !access(path, F_OK))
			return true;
	}
	return false;
}

/*
 * Reports a file that is there, but cannot be executed because the interpreter
 * or loader that it names is missing. Returns whether that is so.
 */
static bool interpreter_missing(const char *program)
{
	char path[PATH_MAX], line[256];
	size_t from, len;
	ssize_t n;
	int fd;

	if (!*program || !find_program(program, path, sizeof(path)))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		close(fd);
	line[n > 0 ? n : 0] = '\0';
	if (strncmp(line, "#!", 2)) {
		complain("cannot execute %s: its loader is missing; install "
			 "what the program was built for",
			 program);
		return true;
	}
	from = 2 + strspn(line + 2, " \t");
	/* A carriage return is part of the name to the kernel. */
	len = strcspn(line + from, " \t\n");
	complain("cannot execute %s: its interpreter %.*s is missing; mend "
		 "the first line, or install the interpreter",
		 program, (int)len, line + from);
	return true;
}

/*
 * Reports on the command's own standard error, and exits with the statuses of
 * env(1): that a command cannot be executed is a result like any other, which
 * all callers get.
 */
static _Noreturn void exec_failed(const char *program)
{
	int error = errno;

	if (error == ENOENT && interpreter_missing(program))
		_exit(RUN_EXIT_CANNOT_EXECUTE);
	complain("cannot execute %s: %s", program, strerror(error));
	_exit(error == ENOENT ? RUN_EXIT_NOT_FOUND : RUN_EXIT_CANNOT_EXECUTE);
}

_Noreturn void command_exec(const struct keeper_job *job, int null,
			    pid_t keeper, const sigset_t *mask)
{
	if (!job->on_terminal)
		setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != keeper)
		_exit(RUN_EXIT_FAILURE);
	if (!job->direct && dup2(null, STDIN_FILENO) < 0)
		_exit(RUN_EXIT_FAILURE);
	if (dup2(job->out, STDOUT_FILENO) < 0 ||
	    dup2(job->err, STDERR_FILENO) < 0)
		_exit(RUN_EXIT_FAILURE);
	signals_restore();
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(job->command[0], job->command);
	exec_failed(job->command[0]);
}
