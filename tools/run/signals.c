/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "options.h"

static const int caught[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2
};
static const int others[] = { SIGPIPE, SIGXFSZ, SIGCHLD };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sigaction caught_before[COUNT(caught)];
static struct sigaction others_before[COUNT(others)];
static struct sfshm_cancel token;
static int signal_pipe[2] = { -1, -1 };

/* Marks a signal that the kernel sent to the process group of a terminal. */
#define TO_GROUP 0x80

static void on_signal(int signal, siginfo_t *info, void *context)
{
	unsigned char byte = (unsigned char)signal;
	int saved = errno;
	ssize_t written;

	(void)context;
	if (info->si_code == SI_KERNEL)
		byte |= TO_GROUP;
	written = write(signal_pipe[1], &byte, 1);
	(void)written;
	sfshm_cancel_fire(&token);
	errno = saved;
}

static volatile sig_atomic_t circle;

static void on_circle(int signal)
{
	(void)signal;
	circle = 1;
	sfshm_cancel_fire(&token);
}

bool signals_circle(void)
{
	return circle;
}

/* Without SA_RESTART a signal also ends a write to a slow reader. */
int signals_catch(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO,
	};

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < COUNT(caught); i++) {
		sigaction(caught[i], NULL, &caught_before[i]);
		if (caught_before[i].sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
	}
	action.sa_flags = 0;
	action.sa_handler = on_circle;
	sigaction(SIGNALS_CIRCLE, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, &others_before[0]);
	sigaction(SIGXFSZ, &action, &others_before[1]);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, &others_before[2]);
	return 0;
}

struct sfshm_cancel *signals_token(void)
{
	return &token;
}

int signals_fd(void)
{
	return signal_pipe[0];
}

int signals_next_of(bool *to_group)
{
	unsigned char byte;

	if (read(signal_pipe[0], &byte, 1) != 1)
		return 0;
	*to_group = byte & TO_GROUP;
	return byte & ~TO_GROUP;
}

int signals_next(void)
{
	bool to_group;

	return signals_next_of(&to_group);
}

void signals_release(void)
{
	for (size_t i = 0; i < COUNT(caught); i++)
		sigaction(caught[i], &caught_before[i], NULL);
}

void signals_restore(void)
{
	signals_release();
	for (size_t i = 0; i < COUNT(others); i++)
		sigaction(others[i], &others_before[i], NULL);
}

void signals_restore_in_helper(void)
{
	signals_restore();
	signal(SIGQUIT, SIG_IGN);
}

_Noreturn void signals_die(int signal)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	/* A core dump would be of sfshm-run, not of the user's command. */
	if (signal == SIGQUIT)
		prctl(PR_SET_DUMPABLE, 0);
	sigaction(signal, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(RUN_EXIT_SIGNAL + signal);
}
