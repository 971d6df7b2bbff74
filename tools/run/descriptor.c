/* SPDX-License-Identifier: MIT */
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "close.h"
#include "face.h"
#include "signals.h"

#define HOLDER_NAME "sfshm-holder"

int descriptor_split(struct invocation *inv)
{
	int status = face_split(inv);
	int kept[] = { inv->options.fd, inv->options.json_fd, inv->report };

	/* The holder must not keep the shell's other files open. */
	if (status < 0)
		close_all_but(kept, sizeof(kept) / sizeof(kept[0]));
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
