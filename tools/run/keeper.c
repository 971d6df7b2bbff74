/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "keeper-messages.h"

/* Whether this process has a controlling terminal. */
static bool has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int keeper_start(struct keeper *keeper, const struct keeper_job *job)
{
	struct keeper_job full = *job;
	sigset_t all, before;
	int ends[2], r = 0;

	*keeper = (struct keeper){ .socket = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	full.on_terminal = has_terminal();
	keeper->on_terminal = full.on_terminal;
	/* If the keeper dies, its children become this process's to kill. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* A signal for the leader must not run its handler in the keeper. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	keeper->pid = fork();
	if (!keeper->pid) {
		close(ends[0]);
		keeper_main(ends[1], &full, job->mask ? job->mask : &before);
	}
	if (keeper->pid < 0)
		r = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (r)
		close(ends[0]);
	else
		keeper->socket = ends[0];
	return r;
}

void keeper_hear(struct keeper *keeper)
{
	struct keeper_report report;
	ssize_t n = recv(keeper->socket, &report, sizeof(report), 0);

	if (n < 0 && errno == EINTR)
		return;
	if (n != sizeof(report)) {
		keeper->gone = true;
		return;
	}
	switch (report.kind) {
	case KEEPER_STARTED: keeper->command = report.value; break;
	case KEEPER_FAILED: keeper->error = report.value; break;
	case KEEPER_ENDED:
		keeper->status = report.value;
		keeper->ended = true;
		break;
	}
}

void keeper_lost(struct keeper *keeper)
{
	if (keeper->command && !keeper->on_terminal)
		kill(-keeper->command, SIGKILL);
	waitpid(keeper->pid, NULL, 0);
	children_kill_all();
}

static void keeper_order(const struct keeper *keeper, int order)
{
	ssize_t n;

	do
		n = send(keeper->socket, &order, sizeof(order), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
}

void keeper_signal(const struct keeper *keeper, int signal)
{
	keeper_order(keeper, signal);
}

void keeper_dismiss(struct keeper *keeper)
{
	keeper_order(keeper, KEEPER_LEAVE);
	keeper_reap(keeper);
}

void keeper_reap(struct keeper *keeper)
{
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(keeper->socket);
	keeper->socket = -1;
	keeper->gone = true;
}
