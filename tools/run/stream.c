/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX ((size_t)TRANSCRIPT_FRAME_MAX)

/* Enough for output of any length, if no copy is kept. */
#define CAP_MIN (2 * READ_MAX)

int stream_open(struct stream *stream, int to)
{
	int ends[2];

	*stream = (struct stream){
		.from = -1,
		.to = to,
		.keep = true,
		.spool = -1,
	};
	stream->data = malloc(CAP_MIN);
	if (!stream->data)
		return -ENOMEM;
	stream->cap = CAP_MIN;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	stream->from = ends[0];
	return ends[1];
}

void stream_spool_to(struct stream *stream, int fd)
{
	stream->spool = fd;
}

static bool spool_pending(const struct stream *stream)
{
	return stream->spool_sent < stream->spooled;
}

bool stream_wants(const struct stream *stream)
{
	return stream->from >= 0 &&
	       (stream->keep || (!spool_pending(stream) &&
				 stream->len - stream->sent < READ_MAX));
}

bool stream_pending(const struct stream *stream)
{
	return spool_pending(stream) || stream->sent < stream->len;
}

static void stream_end(struct stream *stream)
{
	close(stream->from);
	stream->from = -1;
}

/* Ends a stream whose bytes nobody wants: neither the caller nor followers. */
static void stream_end_if_useless(struct stream *stream)
{
	if (stream->error && !stream->keep && stream->from >= 0)
		stream_end(stream);
}

static void stream_compact(struct stream *stream)
{
	if (stream->keep || !stream->sent)
		return;
	stream->len -= stream->sent;
	memmove(stream->data, stream->data + stream->sent, stream->len);
	stream->sent = 0;
}

static int stream_grow(struct stream *stream)
{
	size_t cap = stream->cap;
	char *data;

	while (cap - stream->len < READ_MAX)
		cap *= 2;
	if (cap == stream->cap)
		return 0;
	data = realloc(stream->data, cap);
	if (!data)
		return -ENOMEM;
	stream->data = data;
	stream->cap = cap;
	return 0;
}

/* Moves the bytes in memory, which were just read, to the file. */
static int spool_up(struct stream *stream)
{
	size_t at = 0;
	ssize_t n;

	while (at < stream->len) {
		n = pwrite(stream->spool, stream->data + at, stream->len - at,
			   (off_t)(stream->spooled + at));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			at += (size_t)n;
	}
	stream->spooled += stream->len;
	stream->len = stream->sent = 0;
	if (stream->error)
		stream->spool_sent = stream->spooled;
	return 0;
}

int stream_read(struct stream *stream)
{
	ssize_t n;
	int r;

	stream->got = 0;
	stream_compact(stream);
	r = stream_grow(stream);
	if (r)
		return r;
	n = read(stream->from, stream->data + stream->len, READ_MAX);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		stream_end(stream);
		return 0;
	}
	stream->got = (size_t)n;
	if (stream->transcript)
		transcript_add(stream->transcript, stream->kind,
			       stream->data + stream->len, (size_t)n);
	stream->len += (size_t)n;
	if (stream->spool >= 0 && stream->keep)
		return spool_up(stream);
	if (stream->error)
		stream->sent = stream->len;
	return 0;
}

/* How much a descriptor that polls writable takes without blocking. */
static size_t write_max(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) ? SSIZE_MAX : PIPE_BUF;
}

/* Notes that the caller takes no more bytes. */
static void stream_fail(struct stream *stream, int error)
{
	stream->error = error;
	stream->sent = stream->len;
	stream->spool_sent = stream->spooled;
	stream_end_if_useless(stream);
}

void stream_leave(struct stream *stream)
{
	stream_fail(stream, EPIPE);
}

/*
 * Reads the next bytes of the file, at most `max`. Returns how many; 0: the
 * file cannot be read.
 */
static size_t spool_next(struct stream *stream, char *buffer, size_t max)
{
	size_t left = stream->spooled - stream->spool_sent;
	ssize_t n;

	do
		n = pread(stream->spool, buffer, left < max ? left : max,
			  (off_t)stream->spool_sent);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		stream_fail(stream, n ? errno : EIO);
	return n > 0 ? (size_t)n : 0;
}

size_t stream_write(struct stream *stream, size_t max)
{
	bool spool = spool_pending(stream);
	const char *from = stream->data + stream->sent;
	size_t left = stream->len - stream->sent;
	size_t fits = write_max(stream->to);
	char buffer[16384];
	ssize_t n;

	if (fits < max)
		max = fits;
	if (spool) {
		from = buffer;
		left = spool_next(stream, buffer,
				  max < sizeof(buffer) ? max : sizeof(buffer));
		if (!left)
			return 0;
	}
	n = write(stream->to, from, left < max ? left : max);
	if (n >= 0)
		*(spool ? &stream->spool_sent : &stream->sent) += (size_t)n;
	else if (errno != EINTR && errno != EAGAIN)
		stream_fail(stream, errno);
	return n > 0 ? (size_t)n : 0;
}

void stream_forget(struct stream *stream)
{
	stream->keep = false;
	stream_end_if_useless(stream);
}

void stream_flush(struct stream *stream, size_t max)
{
	char buffer[16384];
	size_t n, left;
	int error;

	while (max && spool_pending(stream)) {
		n = spool_next(stream, buffer,
			       max < sizeof(buffer) ? max : sizeof(buffer));
		error = stream_send(stream->to, buffer, n);
		stream->spool_sent += n;
		max -= n;
		if (error)
			stream_fail(stream, error);
	}
	left = stream->len - stream->sent;
	if (!left || !max)
		return;
	n = left < max ? left : max;
	error = stream_send(stream->to, stream->data + stream->sent, n);
	stream->sent += n;
	if (error) {
		stream->error = error;
		stream->sent = stream->len;
	}
}

int stream_send(int to, const void *data, size_t len)
{
	struct pollfd writable = { .fd = to, .events = POLLOUT };
	const char *at = data;
	ssize_t n;

	while (len) {
		n = write(to, at, len);
		if (n >= 0) {
			at += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&writable, 1, -1);
		} else if (errno != EINTR) {
			return errno;
		}
	}
	return 0;
}
