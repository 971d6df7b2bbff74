/* SPDX-License-Identifier: MIT */
/*
 * The order of the command's output, if the leader's standard output and
 * standard error are one file, as after 2>&1.
 *
 * The followers need the two streams apart, so the command has two pipes.
 * poll() cannot tell which pipe got its bytes first. But the kernel sends this
 * process a real-time signal for each write to a pipe that is asynchronous
 * (O_ASYNC, F_SETSIG), with the pipe's descriptor, and queues these signals in
 * order. The signals are few, because the pipes hold few unread writes. In
 * packet mode (O_DIRECT) a pipe keeps the writes apart: one of up to PIPE_BUF
 * bytes is one packet, a longer one is several full packets and the rest. If
 * the queue of signals overflows, the kernel sends SIGIO. Then the order of the
 * bytes in the pipes is lost, but no byte is.
 *
 * The queue below has the order in which the bytes go to the caller. All bytes
 * of a stream leave it as they came, so a queue of lengths is enough.
 */
#ifndef RUN_ORDER_H
#define RUN_ORDER_H

#include <signal.h>

#include "stream.h"

struct order {
	bool on;
	sigset_t before; /* the signal mask from before order_start() */
	int signals;     /* a signalfd for the writes */
	struct order_run *runs;
	size_t first, count, cap; /* of runs */
};

/* Bytes that came from one stream without one of the other in between. */
struct order_run {
	struct stream *stream;
	size_t len;
};

/* Whether standard output and standard error are one file. */
bool order_wanted(void);

/*
 * Makes the streams' pipes report their writes. `ends` are the command's ends.
 * Returns whether that worked.
 */
bool order_start(struct order *order, struct stream *out, struct stream *err,
		 const int ends[2]);

/*
 * The stream of the next write that was reported, `out` or `err`; NULL: none.
 * *lost: signals were lost, and either stream may have more.
 */
struct stream *order_next(const struct order *order, struct stream *out,
			  struct stream *err, bool *lost);

/* Appends bytes that were read. Without memory it ends the order. */
void order_add(struct order *order, struct stream *stream, size_t len);

/* The bytes that are to be written next; NULL: none. */
const struct order_run *order_first(const struct order *order);

/* Notes that `len` of these have been written. */
void order_written(struct order *order, size_t len);

void order_end(struct order *order);

#endif
