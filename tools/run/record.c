/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

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

int record_parse(struct record *record, const void *data, size_t len)
{
	struct record_header header;
	const char *bytes = data;
	size_t rest;

	if (len < sizeof(header))
		return -EPROTO;
	memcpy(&header, data, sizeof(header));
	rest = len - sizeof(header);
	if (header.magic != RECORD_MAGIC || header.version != RECORD_VERSION ||
	    header.reserved || !code_fits(&header))
		return -EPROTO;
	if (header.out_len > rest || header.err_len != rest - header.out_len)
		return -EPROTO;
	record->kind = header.kind;
	record->code = (int)header.code;
	record->out = bytes + sizeof(header);
	record->out_len = header.out_len;
	record->err = record->out + record->out_len;
	record->err_len = header.err_len;
	return 0;
}

int record_exit(enum record_kind kind, int code)
{
	return kind == RECORD_SIGNALED ? RUN_EXIT_SIGNAL + code : code;
}
