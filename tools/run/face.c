/* SPDX-License-Identifier: MIT */
#include "face.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/complain.h"
#include "signals.h"

static pid_t worker;

/* A terminal's signal has reached the worker as well. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)context;
	if (info->si_code != SI_KERNEL)
		kill(worker, signal);
	errno = saved;
}

static void pass_signals_on(void)
{
	static const int passed[] = { SIGHUP,  SIGINT,  SIGQUIT,
				      SIGTERM, SIGUSR1, SIGUSR2 };
	const struct sigaction action = {
		.sa_sigaction = pass_on,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};
	struct sigaction before;

	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (!sigaction(passed[i], NULL, &before) &&
		    before.sa_handler != SIG_IGN)
			sigaction(passed[i], &action, NULL);
}

/* Returns the status to exit with. */
static int await_worker(int report)
{
	unsigned char byte;
	ssize_t n;
	int status;

	do
		n = read(report, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return byte;
	while (waitpid(worker, &status, 0) < 0)
		if (errno != EINTR)
			return RUN_EXIT_FAILURE;
	if (WIFSIGNALED(status))
		signals_die(WTERMSIG(status));
	return WEXITSTATUS(status);
}

int face_split(struct invocation *inv)
{
	pid_t face = getpid();
	sigset_t all, before;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC)) {
		complain("cannot make a pipe: %s", strerror(errno));
		return RUN_EXIT_FAILURE;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	worker = fork();
	if (worker > 0)
		pass_signals_on();
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (worker < 0) {
		complain("cannot make a process: %s", strerror(errno));
		return RUN_EXIT_FAILURE;
	}
	if (worker) {
		close(ends[1]);
		return await_worker(ends[0]);
	}
	/* A face that is killed takes this process with it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != face)
		_exit(RUN_EXIT_FAILURE);
	close(ends[0]);
	inv->report = ends[1];
	return -1;
}

int face_leave(struct invocation *inv, int status)
{
	unsigned char byte = (unsigned char)status;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return errno;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
	if (inv->options.json_fd >= 0)
		close(inv->options.json_fd);
	inv->options.json_fd = -1;
	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	if (write(inv->report, &byte, 1) != 1)
		return errno;
	close(inv->report);
	return 0;
}
