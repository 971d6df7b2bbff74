/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/complain.h"
#include "keeper-messages.h"
#include "options.h"
#include "signals.h"

/*
 * Reports on the command's own standard error, and exits with the statuses of
 * env(1): that a command cannot be executed is a result like any other, which
 * all callers get.
 */
static _Noreturn void exec_failed(const char *program)
{
	int error = errno;

	complain("cannot execute %s: %s", program, strerror(error));
	_exit(error == ENOENT ? RUN_EXIT_NOT_FOUND : RUN_EXIT_CANNOT_EXECUTE);
}

_Noreturn void command_exec(const struct keeper_job *job, int null,
			    pid_t keeper, const sigset_t *mask)
{
	setpgid(0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != keeper)
		_exit(RUN_EXIT_FAILURE);
	/* A terminal would stop a background command that reads from it. */
	if ((!job->direct || isatty(STDIN_FILENO)) &&
	    dup2(null, STDIN_FILENO) < 0)
		_exit(RUN_EXIT_FAILURE);
	if (dup2(job->out, STDOUT_FILENO) < 0 ||
	    dup2(job->err, STDERR_FILENO) < 0)
		_exit(RUN_EXIT_FAILURE);
	signals_restore();
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(job->command[0], job->command);
	exec_failed(job->command[0]);
}
