/* SPDX-License-Identifier: MIT */
/*
 * A run's output in the segment: this header, then the bytes of standard
 * output, then the bytes of standard error.
 */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_MAGIC 0x6e757266u
#define RECORD_VERSION 1

enum record_kind {
	RECORD_EXITED = 1,
	RECORD_SIGNALED = 2,
};

struct record_header {
	uint32_t magic;
	uint16_t version;
	uint16_t kind; /* enum record_kind */
	uint32_t code; /* exit status, or signal number */
	uint32_t note; /* of a file: its lifetime in seconds, rounded up; of a
			   failure: see failure.h; else 0 */
	uint64_t out_len;
	uint64_t err_len;
};

_Static_assert(sizeof(struct record_header) == 32, "no padding");

/* A parsed record; `out` and `err` point into the bytes that were parsed. */
struct record {
	enum record_kind kind;
	int code;
	const char *out, *err;
	size_t out_len, err_len;
};

/* The header for a wait status as waitpid() gives it. */
struct record_header record_header(int wait_status, size_t out_len,
				   size_t err_len);

/*
 * Parses the header `h` of a file of `size` bytes; in a file the header comes
 * last. Returns as record_parse() does, but sets neither record->out nor
 * record->err.
 */
int record_parse_trailer(struct record *record, const struct record_header *h,
			 uint64_t size);

/*
 * Parses a record with this note. Returns 0, or -EPROTO: the bytes are no such
 * record, or one of another version.
 */
int record_parse(struct record *record, const void *data, size_t len,
		 uint32_t note);

/* Reads the header of a result's file. Returns 0; -EPROTO: none is there. */
int record_read(int fd, struct record_header *header, struct record *record);

/* Does pread(2), anew after EINTR. Returns the bytes read, or -errno. */
ssize_t record_read_at(int fd, void *to, size_t len, uint64_t at);

/* sfshm-run's exit status, for a kind and code. */
int record_exit(enum record_kind kind, int code);

#endif
