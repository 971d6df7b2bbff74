/* SPDX-License-Identifier: MIT */
/*
 * One output of the command: standard output or standard error. The bytes come
 * from the command's pipe and go to this process's caller. A copy for the
 * followers stays in memory or in a file. With a file, the caller's bytes come
 * from that file; bytes that the file could not take come from memory.
 */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "transcript.h"

struct stream {
	int from; /* the command's pipe; -1: the stream has ended */
	int to;   /* the caller's descriptor */
	char *data;
	size_t len;  /* bytes at data */
	size_t sent; /* of these, bytes written to the caller */
	size_t cap;
	size_t got;     /* bytes of the last read */
	size_t early;   /* writes that were read, and may still be reported */
	bool keep;      /* keep a copy of sent bytes, to share it */
	int spool;      /* the file; -1: none, all is in memory */
	size_t spooled; /* bytes in the file */
	size_t spool_sent; /* of these, bytes written to the caller */
	struct transcript *transcript; /* gets the bytes, too; NULL: none */
	enum transcript_kind kind;     /* of the bytes there */
	int error; /* errno of a write to the caller that failed, or 0 */
};

/*
 * Makes the pipe and all the memory that a stream needs if it keeps no copy.
 * Returns the command's end of the pipe, or a negated errno value.
 */
int stream_open(struct stream *stream, int to);

/* Whether there is room for more to be read. */
bool stream_wants(const struct stream *stream);

/* Whether there are bytes to be written. */
bool stream_pending(const struct stream *stream);

/* Keeps the copy in the file `fd`, which the caller closes after the run. */
void stream_spool_to(struct stream *stream, int fd);

/*
 * Reads once. Returns 0, also at the end; -ENOMEM: there is no room for more,
 * and nothing was read; or the error of a write to the file, and the bytes that
 * were read are in memory.
 */
int stream_read(struct stream *stream);

/*
 * Writes once, at most `max` bytes; to a pipe, no more than the pipe takes
 * without blocking. Returns how many.
 */
size_t stream_write(struct stream *stream, size_t max);

/* Writes nothing more to the caller. */
void stream_leave(struct stream *stream);

/* Keeps only the bytes that are still to be written. */
void stream_forget(struct stream *stream);

/* Writes all bytes that are left, at most `max`, and waits for the reader. */
void stream_flush(struct stream *stream, size_t max);

/* Writes `len` bytes to `to`. Returns 0 or errno. */
int stream_send(int to, const void *data, size_t len);

#endif
