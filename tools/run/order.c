/* SPDX-License-Identifier: MIT */
#include "order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* SIGRTMIN is the watcher's. */
#define WRITE_SIGNAL (SIGRTMIN + 1)

/* Each packet takes a page, so only a large pipe holds many small writes. */
#define PIPE_BYTES (1 << 20)

bool order_wanted(void)
{
	struct stat out, err;

	return !fstat(STDOUT_FILENO, &out) && !fstat(STDERR_FILENO, &err) &&
	       out.st_dev == err.st_dev && out.st_ino == err.st_ino;
}

static bool report_writes(int from, int to)
{
	/* A larger pipe is only faster. */
	(void)fcntl(from, F_SETPIPE_SZ, PIPE_BYTES);
	return !fcntl(to, F_SETFL, O_DIRECT) &&
	       !fcntl(from, F_SETOWN, getpid()) &&
	       !fcntl(from, F_SETSIG, WRITE_SIGNAL) &&
	       !fcntl(from, F_SETFL, O_NONBLOCK | O_ASYNC);
}

bool order_start(struct order *order, struct stream *out, struct stream *err,
		 const int ends[2])
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, WRITE_SIGNAL);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, &order->before);
	order->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	order->on = order->signals >= 0 && report_writes(out->from, ends[0]) &&
		    report_writes(err->from, ends[1]);
	return order->on;
}

struct stream *order_next(const struct order *order, struct stream *out,
			  struct stream *err, bool *lost)
{
	struct signalfd_siginfo info;

	*lost = false;
	while (read(order->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGIO)
			*lost = true;
		else if (out->from >= 0 && info.ssi_fd == out->from)
			return out;
		else if (err->from >= 0 && info.ssi_fd == err->from)
			return err;
	}
	return NULL;
}

/* Makes room for one more. */
static bool grow(struct order *order)
{
	struct order_run *runs;
	size_t cap;

	if (order->runs && order->count < order->cap)
		return true;
	if (order->runs && order->first > order->cap / 2) {
		order->count -= order->first;
		for (size_t i = 0; i < order->count; i++)
			order->runs[i] = order->runs[order->first + i];
		order->first = 0;
		return true;
	}
	cap = order->cap ? 2 * order->cap : 64;
	runs = reallocarray(order->runs, cap, sizeof(*runs));
	if (!runs)
		return false;
	order->runs = runs;
	order->cap = cap;
	return true;
}

void order_add(struct order *order, struct stream *stream, size_t len)
{
	struct order_run *last;

	if (!order->on || !len)
		return;
	last = order->count > order->first ? &order->runs[order->count - 1] :
					     NULL;
	if (last && last->stream == stream)
		last->len += len;
	else if (grow(order))
		order->runs[order->count++] = (struct order_run){ stream, len };
	else
		order_end(order);
}

const struct order_run *order_first(const struct order *order)
{
	return order->first < order->count ? &order->runs[order->first] : NULL;
}

void order_written(struct order *order, size_t len)
{
	struct order_run *run = &order->runs[order->first];

	run->len -= len;
	if (run->len)
		return;
	order->first++;
	if (order->first == order->count)
		order->first = order->count = 0;
}

void order_end(struct order *order)
{
	free(order->runs);
	order->runs = NULL;
	order->first = order->count = order->cap = 0;
	order->on = false;
}
