/* SPDX-License-Identifier: MIT */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "face.h"
#include "signals.h"

#define HOLDER_NAME "sfshm-holder"

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The holder must not keep the shell's other files open. */
static void close_others(const struct invocation *inv, int report)
{
	int kept[] = { STDERR_FILENO, inv->options.fd, inv->options.json_fd,
		       report };
	size_t count = sizeof(kept) / sizeof(kept[0]);
	unsigned first, last;

	qsort(kept, count, sizeof(kept[0]), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] < STDERR_FILENO)
			continue;
		first = (unsigned)kept[i] + 1;
		last = i + 1 < count ? (unsigned)kept[i + 1] - 1 : ~0u;
		if (first <= last)
			close_range(first, last, 0);
	}
}

int descriptor_split(struct invocation *inv)
{
	int status = face_split(inv);

	if (status < 0)
		close_others(inv, inv->report);
	return status;
}

/* Opens the same file anew. Returns the descriptor, or -1. */
static int open_again(int fd)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (again < 0 && errno == EACCES)
		again = open(path,
			     O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return again;
}

void descriptor_hold(struct invocation *inv, struct outcome *o)
{
	struct options *options = &inv->options;
	int fd = options->fd, again = open_again(fd), r;

	if (again < 0) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "--fd %d: %s; open a file or a pipe there", fd,
			     strerror(errno));
		return;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		outcome_fail(o, RUN_EXIT_FAILURE,
			     "--fd %d: another open descriptor has locked that "
			     "file; open one of its own, such as %d<<<\"\" in "
			     "bash",
			     fd, fd);
		return;
	}
	o->has_source = true;
	o->source = SFSHM_COMPUTED;
	o->leader = true;
	r = outcome_report(o, options->json_fd);
	if (r) {
		outcome_fail(o, RUN_EXIT_FAILURE, "--json-status %d: %s",
			     options->json_fd, strerror(r));
		return;
	}
	prctl(PR_SET_NAME, HOLDER_NAME);
	close(fd);
	if (!chdir("/") && !face_leave(inv, 0))
		while (flock(again, LOCK_EX) && errno == EINTR &&
		       !signals_next())
			;
	/* The next holder of the lock may use the same file. */
	close(again);
}
