/* SPDX-License-Identifier: MIT */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "unnamed.h"

#define BUFFER 65536

/*
 * Duplicates the descriptor, because the save may end before the caller has all
 * output.
 */
int spool_prepare(const struct invocation *inv, struct run *run,
		  struct outcome *o)
{
	run->filed = true;
	run->out_file = fcntl(sfshm_save_fd(inv->save), F_DUPFD_CLOEXEC, 0);
	/* spool_publish() appends this file to the output. */
	run->err_file = unnamed_file("stderr", NULL);
	if (run->out_file >= 0 && run->err_file >= 0)
		return 0;
	outcome_fail(o, RUN_EXIT_FAILURE,
		     "key %s: cannot make a temporary file: %s", inv->key_text,
		     strerror(errno));
	spool_clear(run);
	return -1;
}

void spool_clear(const struct run *run)
{
	if (!run->filed)
		return;
	if (run->out_file >= 0)
		close(run->out_file);
	if (run->err_file >= 0)
		close(run->err_file);
}

static int write_at(int fd, const void *data, size_t len, uint64_t at)
{
	const char *from = data;
	ssize_t n;

	while (len) {
		n = pwrite(fd, from, len, (off_t)at);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int spool_publish(const struct invocation *inv, const struct run *run,
		  struct record_header *header)
{
	const struct options *options = &inv->options;
	uint32_t ttl_ms = header->code ? options->neg_ttl_ms : options->ttl_ms;
	int fd = run->out_file, r = 0;
	uint64_t at = header->out_len;
	char buffer[BUFFER];
	ssize_t n = 0;

	for (uint64_t from = 0; !r && from < header->err_len;
	     from += (uint64_t)n) {
		n = record_read_at(run->err_file, buffer, sizeof(buffer), from);
		r = n > 0 ? write_at(fd, buffer, (size_t)n, at + from) :
		    n     ? (int)n :
			    -EIO;
	}
	header->note = ttl_ms / 1000 + (ttl_ms % 1000 != 0);
	if (!r)
		r = write_at(fd, header, sizeof(*header), at + header->err_len);
	return r ? r : sfshm_save_publish(inv->save);
}
