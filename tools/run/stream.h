/* SPDX-License-Identifier: MIT */
/*
 * One output of the command, from the command's pipe to this process's caller,
 * with a copy for waiting calls: in memory, or in a file, from which the
 * caller's bytes then come. Bytes that the file cannot keep go through memory.
 */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream {
	int from; /* the command's pipe; -1: all its writers closed it */
	int to;   /* the caller's descriptor */
	char *data;
	size_t len;  /* bytes at data */
	size_t sent; /* of these, bytes written to the caller */
	size_t cap;
	bool keep;         /* sent bytes stay, to be shared */
	int spool;         /* the file; -1: none, all is in memory */
	size_t spooled;    /* bytes in the file */
	size_t spool_sent; /* of these, bytes written to the caller */
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

/* Keeps the bytes in the file `fd`, which belongs to the stream from now on. */
void stream_spool_to(struct stream *stream, int fd);

/*
 * Reads once. Returns 0, also at the end; -ENOMEM: no room to keep more, and
 * nothing was read; or why the file took no more, and the bytes read are in
 * memory.
 */
int stream_read(struct stream *stream);

/* Writes once, as much as the reader takes without a wait, if that is known. */
void stream_write(struct stream *stream);

/* Keeps only the bytes that are still to be written. */
void stream_forget(struct stream *stream);

/* Writes all bytes that are left, and waits for the reader. */
void stream_flush(struct stream *stream);

/* Writes `len` bytes to `to`. Returns 0 or errno. */
int stream_send(int to, const void *data, size_t len);

#endif
