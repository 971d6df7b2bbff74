/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"

struct record_header record_header(int wait_status, size_t out_len,
				   size_t err_len)
{
	struct record_header header = {
		.magic = RECORD_MAGIC,
		.version = RECORD_VERSION,
		.out_len = out_len,
		.err_len = err_len,
	};

	if (WIFSIGNALED(wait_status)) {
		header.kind = RECORD_SIGNALED;
		header.code = (uint32_t)WTERMSIG(wait_status);
	} else {
		header.kind = RECORD_EXITED;
		header.code = (uint32_t)WEXITSTATUS(wait_status);
	}
	return header;
}

static int code_fits(const struct record_header *header)
{
	switch (header->kind) {
	case RECORD_EXITED: return header->code <= 255;
	case RECORD_SIGNALED: return header->code >= 1 && header->code < NSIG;
	default: return 0;
	}
}

int record_parse_trailer(struct record *record, const struct record_header *h,
			 uint64_t size)
{
	uint64_t rest = size - sizeof(*h);

	if (h->magic != RECORD_MAGIC || h->version != RECORD_VERSION ||
	    !code_fits(h))
		return -EPROTO;
	if (h->out_len > rest || h->err_len != rest - h->out_len)
		return -EPROTO;
	*record = (struct record){
		.kind = h->kind,
		.code = (int)h->code,
		.out_len = h->out_len,
		.err_len = h->err_len,
	};
	return 0;
}

int record_parse(struct record *record, const void *data, size_t len,
		 uint32_t note)
{
	struct record_header header;

	if (len < sizeof(header))
		return -EPROTO;
	memcpy(&header, data, sizeof(header));
	if (header.note != note || record_parse_trailer(record, &header, len))
		return -EPROTO;
	record->out = (const char *)data + sizeof(header);
	record->err = record->out + record->out_len;
	return 0;
}

ssize_t record_read_at(int fd, void *to, size_t len, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, to, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int record_read(int fd, struct record_header *header, struct record *record)
{
	const uint64_t head = sizeof(*header);
	struct stat st;
	uint64_t size;

	size = fstat(fd, &st) ? 0 : (uint64_t)st.st_size;
	if (size < head ||
	    record_read_at(fd, header, head, size - head) != (ssize_t)head)
		return -EPROTO;
	return record_parse_trailer(record, header, size);
}

int record_exit(enum record_kind kind, int code)
{
	return kind == RECORD_SIGNALED ? RUN_EXIT_SIGNAL + code : code;
}
