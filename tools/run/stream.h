/* SPDX-License-Identifier: MIT */
/*
 * One output of the command on its way: from the command's pipe to this
 * process's caller, with a copy kept for those who wait: in memory, or in a
 * file, which the caller's bytes then come from. What cannot be kept in the
 * file any more goes through memory.
 */
#ifndef RUN_STREAM_H
#define RUN_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream {
	int from; /* the command's pipe; -1: everybody closed it */
	int to;   /* the caller's descriptor */
	char *data;
	size_t len;  /* bytes at data */
	size_t sent; /* of them written to the caller */
	size_t cap;
	bool keep;         /* what is sent stays, to be shared */
	int spool;         /* the file; -1: none, all is in memory */
	size_t spooled;    /* bytes in the file */
	size_t spool_sent; /* of them written to the caller */
	int error; /* errno of a write to the caller that failed, or 0 */
};

/*
 * Makes the pipe and all the memory that a stream needs if nothing is kept.
 * Returns the command's end of the pipe, or a negated errno value.
 */
int stream_open(struct stream *stream, int to);

/* Whether there is room for more to be read. */
bool stream_wants(const struct stream *stream);

/* Whether something is to be written. */
bool stream_pending(const struct stream *stream);

/* Keeps what comes in the file `fd`, which is the stream's from now on. */
void stream_spool_to(struct stream *stream, int fd);

/*
 * Reads once. Returns 0, also at the end; or -ENOMEM: there is no room to keep
 * more, and nothing was read; or why the file took no more, and what was read
 * is in memory.
 */
int stream_read(struct stream *stream);

/* Writes once, what can be taken without waiting where that can be known. */
void stream_write(struct stream *stream);

/* Keeps no more than what is to be written yet. */
void stream_forget(struct stream *stream);

/* Writes all that is left, waiting for it. */
void stream_flush(struct stream *stream);

/* Writes `len` bytes to `to`. Returns 0 or errno. */
int stream_send(int to, const void *data, size_t len);

#endif
