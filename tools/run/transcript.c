/* SPDX-License-Identifier: MIT */
#include "transcript.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "unnamed.h"

static const char magic[8] = { 's', 'f', 's', 'h', 'r', 'u', 'n', '2' };

struct file_head {
	char magic[sizeof(magic)];
	struct transcript_flight flight;
};

struct frame_head {
	uint32_t kind;
	uint32_t len;
};

_Static_assert(sizeof(struct file_head) == 32, "no padding");
_Static_assert(sizeof(struct frame_head) == 8, "no padding");

int transcript_open(struct transcript *t,
		    const struct transcript_flight *flight)
{
	struct file_head head = { .flight = *flight };
	bool in_memory;

	memcpy(head.magic, magic, sizeof(magic));
	t->fd = unnamed_file("transcript", &in_memory);
	if (t->fd < 0)
		return t->fd;
	t->len = sizeof(head);
	t->max = in_memory ? TRANSCRIPT_MEMORY_MAX : TRANSCRIPT_DISK_MAX;
	if (pwrite(t->fd, &head, sizeof(head), 0) == sizeof(head))
		return 0;
	transcript_close(t);
	return -EIO;
}

/*
 * The part of a frame that the file has taken may stay: to a reader it is one
 * whose rest never comes. The descriptor stays open for the readers to come.
 */
static void stop(struct transcript *t)
{
	t->max = 0;
}

void transcript_add(struct transcript *t, enum transcript_kind kind, void *data,
		    size_t len)
{
	struct frame_head head = { .kind = kind, .len = (uint32_t)len };
	const struct iovec pieces[] = {
		{ &head, sizeof(head) },
		{ data, len },
	};
	size_t whole = sizeof(head) + len;
	ssize_t n;

	if (t->fd < 0 || t->len + whole > t->max) {
		stop(t);
		return;
	}
	do
		n = pwritev(t->fd, pieces, 2, (off_t)t->len);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)whole) {
		stop(t);
		return;
	}
	t->len += whole;
	if (kind == TRANSCRIPT_OUT)
		t->out_len += len;
	else if (kind == TRANSCRIPT_ERR)
		t->err_len += len;
}

void transcript_end(struct transcript *t, const struct record_header *header)
{
	struct record_header whole = *header;

	whole.out_len = t->out_len;
	whole.err_len = t->err_len;
	transcript_add(t, TRANSCRIPT_END, &whole, sizeof(whole));
}

void transcript_close(struct transcript *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

/* Reads `len` bytes. Returns 1; 0: the file is shorter; or an error. */
static int read_whole(int fd, void *to, size_t len, uint64_t at)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = record_read_at(fd, (char *)to + done, len - done,
				   at + done);
		if (n <= 0)
			return (int)n;
		done += (size_t)n;
	}
	return 1;
}

static bool is_transcript(int fd, const struct transcript_flight *flight)
{
	struct file_head head;

	return read_whole(fd, &head, sizeof(head), 0) == 1 &&
	       !memcmp(head.magic, magic, sizeof(magic)) &&
	       !memcmp(&head.flight, flight, sizeof(*flight));
}

/*
 * Opens one of a process's files for reading if it is a regular file without a
 * name. To open another kind of file could block or do something. Returns a
 * descriptor, or -1.
 */
static int open_unnamed(int directory, const char *name)
{
	int place = openat(directory, name, O_PATH | O_CLOEXEC);
	char self[48];
	struct stat st;
	int fd = -1;

	if (place < 0)
		return -1;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", place);
	if (!fstat(place, &st) && S_ISREG(st.st_mode) && !st.st_nlink)
		fd = open(self, O_RDONLY | O_CLOEXEC);
	close(place);
	return fd;
}

int transcript_find(pid_t leader, const struct transcript_flight *flight)
{
	char path[48];
	struct dirent *entry;
	int fd = -ENOENT;
	DIR *files;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)leader);
	files = opendir(path);
	if (!files)
		return -errno;
	while (fd < 0 && (entry = readdir(files))) {
		fd = open_unnamed(dirfd(files), entry->d_name);
		if (fd >= 0 && !is_transcript(fd, flight)) {
			close(fd);
			fd = -1;
		}
	}
	closedir(files);
	return fd < 0 ? -ENOENT : fd;
}

int transcript_next(int fd, uint64_t *at, struct transcript_frame *frame)
{
	uint64_t from = *at ? *at : sizeof(struct file_head);
	struct frame_head head;
	int r = read_whole(fd, &head, sizeof(head), from);

	if (r <= 0)
		return r;
	if (head.len > sizeof(frame->bytes) || head.kind < TRANSCRIPT_OUT ||
	    head.kind > TRANSCRIPT_END)
		return -EPROTO;
	r = read_whole(fd, frame->bytes, head.len, from + sizeof(head));
	if (r <= 0)
		return r;
	frame->kind = (enum transcript_kind)head.kind;
	frame->len = head.len;
	*at = from + sizeof(head) + head.len;
	return 1;
}
