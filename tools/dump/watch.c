/* SPDX-License-Identifier: MIT */
#include "watch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "screen.h"

#define NS_PER_S 1000000000ull
#define PICTURE_SIZE (1 << 18)

static volatile sig_atomic_t interrupted;
static int terminal;

/* The second signal ends the program. */
static void interrupt(int number)
{
	if (interrupted) {
		if (terminal)
			screen_restore();
		signal(number, SIG_DFL);
		raise(number);
	}
	interrupted = 1;
}

static void signals_catch(sigset_t *caught)
{
	struct sigaction action = {
		.sa_handler = interrupt,
		.sa_flags = SA_RESTART,
	};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(caught);
	sigaddset(caught, SIGINT);
	sigaddset(caught, SIGTERM);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/*
 * Blocks the signals until ppoll(): one that came between the test and the
 * sleep would not end the sleep.
 */
static void sleep_until(uint64_t at_ns, const sigset_t *caught)
{
	uint64_t now = now_ns();
	uint64_t left = at_ns > now ? at_ns - now : 0;
	struct timespec span = {
		.tv_sec = (time_t)(left / NS_PER_S),
		.tv_nsec = (long)(left % NS_PER_S),
	};
	sigset_t before;

	sigprocmask(SIG_BLOCK, caught, &before);
	if (!interrupted)
		ppoll(NULL, 0, &span, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static int repeat(struct options *options, watch_show_fn show,
		  const sigset_t *caught)
{
	int first = 1;

	for (;;) {
		uint64_t begun = now_ns();
		int status;

		screen_clear();
		/* JSON has one picture a line. */
		if (!first && !terminal && !options->json)
			putchar('\n');
		status = show(options);
		if ((status && first && options->segment) || ferror(stdout))
			return status;
		sleep_until(begun + options->watch_ns, caught);
		if (interrupted)
			return status;
		first = 0;
	}
}

int watch(struct options *options, watch_show_fn show)
{
	static char buffer[PICTURE_SIZE];
	sigset_t caught;
	int status;

	terminal = isatty(STDOUT_FILENO);
	/* A picture that fits is written whole: no reader sees half. */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	signals_catch(&caught);
	screen_enter();
	status = repeat(options, show, &caught);
	screen_leave();
	return status;
}
