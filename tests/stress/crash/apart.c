/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/atomics.h"
#include "stage.h"

/* Without a sign of life for so long, somebody hangs. */
#define SILENCE_NS UINT64_C(180000000000)

/* Counts signs of life; shared with the process that gives them. */
static uint64_t *beats;

void beat(void)
{
	if (beats)
		fetch_add_relaxed(beats, 1);
}

int interrupted_by;

static bool await_end(pid_t pid)
{
	uint64_t heard = 0, since = clock_ns();
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		uint64_t now = clock_ns();
		int signal = load_relaxed(&interrupted_by);

		if (load_relaxed(beats) != heard) {
			heard = load_relaxed(beats);
			since = now;
		}
		if (signal || now - since > SILENCE_NS) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			if (signal)
				exit(128 + signal);
			return false;
		}
		usleep(5000);
	}
	return status == 0;
}

bool run_apart(void (*fn)(void *), void *arg)
{
	pid_t pid;

	if (!beats)
		beats = shared_memory(sizeof(*beats));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		store_relaxed(beats, 0);
		fn(arg);
		_exit(0);
	}
	return pid > 0 && await_end(pid);
}

void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		perror("crashtest: mmap");
		exit(2);
	}
	return at;
}

void progress(const char *format, ...)
{
	va_list args;

	if (!isatty(2))
		return;
	va_start(args, format);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void progress_end(void)
{
	progress("%s", "");
}
