/* SPDX-License-Identifier: MIT */
/*
 * Workers report through one pipe, in writes that are not torn (PIPE_BUF). A
 * worker reports a value at once before it publishes it, so the oracle hears
 * of the value before it hears of any read of it. A worker may report reads
 * later; one that is killed takes a few of those reports along.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "board.h"

#define BATCH (PIPE_BUF / sizeof(struct event))

static struct event batch[BATCH];
static unsigned int filled;
static int pipe_fd = -1;

void report_begin(int fd)
{
	pipe_fd = fd;
	filled = 0;
}

void report_flush(void)
{
	size_t len = filled * sizeof(batch[0]);
	ssize_t n;

	if (!filled)
		return;
	do {
		n = write(pipe_fd, batch, len);
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)len)
		_exit(8);
	filled = 0;
}

void report(enum event_type type, uint32_t key, uint64_t generation,
	    uint64_t sum)
{
	batch[filled++] = (struct event){ type, key, generation, sum };
	if (filled == BATCH || type != EVENT_READ)
		report_flush();
}
