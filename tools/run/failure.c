/* SPDX-License-Identifier: MIT */
#include "failure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/complain.h"
#include "key.h"
#include "stream.h"

/*
 * How long the output outlives the failure: a follower may be slow to ask for
 * it. Until the segment needs the memory, the output is there even longer.
 */
#define SLACK_MS 60000

/* Room for a line in a message, beside the words that come before it. */
#define LINE_BYTES 190

static const char exited[] = "exit status ";
static const char killed[] = "killed by signal ";
static const char kept[] = ", run ";
static const char lost[] = ", output not kept";

/*
 * Copies the stream's bytes from `at` on, `len` of them. Returns 0 or a negated
 * errno value.
 */
static int copy_stream(char *to, const struct stream *stream, uint64_t at,
		       size_t len)
{
	ssize_t n;

	while (len && at < stream->spooled) {
		n = record_read_at(stream->spool, to, len, at);
		if (n <= 0)
			return n ? (int)n : -EIO;
		to += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	if (len)
		memcpy(to, stream->data + (at - stream->spooled), len);
	return 0;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* The last line of the text that is not empty, cut to fit. */
static void last_line(char line[LINE_BYTES], const char *text, size_t len)
{
	size_t from, n = 0;

	while (len && (unsigned char)text[len - 1] <= ' ')
		len--;
	for (from = len; from && text[from - 1] != '\n'; from--)
		;
	for (; from < len && n + 1 < LINE_BYTES; from++) {
		unsigned char c = (unsigned char)text[from];

		line[n++] = '?';
		if (is_plain(c) || c >= 0x80)
			line[n - 1] = text[from];
	}
	line[n] = '\0';
}

/* Whether the line and a newline are all that the command wrote. */
static bool line_is_all(const char *line, const struct record_header *header,
			const char *err)
{
	size_t len = strlen(line);

	if (header->out_len)
		return false;
	if (!header->err_len)
		return true;
	for (const char *c = line; *c; c++)
		if (!is_plain((unsigned char)*c))
			return false;
	return header->err_len == len + 1 && !memcmp(err, line, len) &&
	       err[len] == '\n';
}

/*
 * Stores the output under its own key, unless the line is all of it. Returns 0,
 * with *kept_run 0 or the record's note; or an error: it cannot be kept.
 */
static int keep_output(const struct invocation *inv, const struct run *run,
		       const struct record_header *header, char *line,
		       uint32_t *kept_run)
{
	uint64_t ttl_ms = (uint64_t)inv->options.neg_ttl_ms + SLACK_MS;
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = ttl_ms < SFSHM_FOREVER ? (uint32_t)ttl_ms :
						   SFSHM_FOREVER,
	};
	size_t len = sizeof(*header) + header->out_len + header->err_len;
	char key[SFSHM_KEY_MAX], *record = malloc(len), *out, *err;
	int r;

	if (!record)
		return -ENOMEM;
	out = record + sizeof(*header);
	err = out + header->out_len;
	memcpy(record, header, sizeof(*header));
	r = copy_stream(out, &run->out, 0, header->out_len);
	if (!r)
		r = copy_stream(err, &run->err, 0, header->err_len);
	if (!r)
		last_line(line, err, header->err_len);
	if (!r && !line_is_all(line, header, err)) {
		*kept_run = header->note;
		r = sfshm_put(inv->session.handle, key,
			      key_beside(&inv->options, "output", key), &policy,
			      record, len);
	}
	free(record);
	return r;
}

/* Writes the message that failure.h describes. */
static void make_message(char message[SFSHM_MESSAGE_MAX],
			 const struct record_header *header, bool is_lost,
			 uint32_t kept_run, const char *line)
{
	char where[32] = "";

	if (is_lost)
		snprintf(where, sizeof(where), "%s", lost);
	else if (kept_run)
		snprintf(where, sizeof(where), "%s%" PRIu32, kept, kept_run);
	snprintf(message, SFSHM_MESSAGE_MAX, "%s%" PRIu32 "%s%s%s",
		 header->kind == RECORD_SIGNALED ? killed : exited,
		 header->code, where, *line ? ": " : "", line);
}

bool failure_fits(const struct invocation *inv,
		  const struct record_header *header)
{
	uint64_t max = inv->session.max_value;

	return header->out_len <= max && header->err_len <= max &&
	       sizeof(*header) + header->out_len + header->err_len <= max;
}

int failure_share(const struct invocation *inv, struct sfshm_flight *flight,
		  const struct record_header *header, const struct run *run)
{
	int code =
		record_exit((enum record_kind)header->kind, (int)header->code);
	char message[SFSHM_MESSAGE_MAX], line[LINE_BYTES] = "";
	struct record_header marked = *header;
	uint32_t kept_run = 0;
	bool is_lost;

	marked.note = (uint32_t)sfshm_flight_generation(flight);
	/* 0 would mean that there is no record. */
	marked.note += !marked.note;
	is_lost = keep_output(inv, run, &marked, line, &kept_run);
	make_message(message, header, is_lost, kept_run, line);
	return inv->save ? sfshm_save_fail(inv->save, code, message) :
			   sfshm_fail(flight, code, message);
}

/* What a message tells of. */
struct told {
	enum record_kind kind;
	int code;
	bool is_lost;
	uint32_t kept_run; /* 0: `line` is all */
	const char *line;
};

/* Moves *text past `word` if it begins with that. */
static bool skip(const char **text, const char *word)
{
	size_t len = strlen(word);
	bool begins = !strncmp(*text, word, len);

	if (begins)
		*text += len;
	return begins;
}

/* Reads a number of at most 10 digits, and moves *text past it. */
static bool skip_number(const char **text, uint32_t *number)
{
	char *end;
	unsigned long value = strtoul(*text, &end, 10);

	if (end == *text || **text < '0' || **text > '9' || value > UINT32_MAX)
		return false;
	*text = end;
	*number = (uint32_t)value;
	return true;
}

/* Takes a message apart. False: it is another program's. */
static bool parse_message(struct told *told, int code, const char *message)
{
	const char *at = message;
	uint32_t number;

	*told = (struct told){ .kind = RECORD_EXITED };
	if (skip(&at, killed))
		told->kind = RECORD_SIGNALED;
	else if (!skip(&at, exited))
		return false;
	if (!skip_number(&at, &number) || number > 255 ||
	    record_exit(told->kind, (int)number) != code)
		return false;
	told->code = (int)number;
	told->is_lost = skip(&at, lost);
	if (!told->is_lost && skip(&at, kept) &&
	    !skip_number(&at, &told->kept_run))
		return false;
	if (*at && !skip(&at, ": "))
		return false;
	told->line = at;
	return true;
}

/* Writes out the record of the run. Returns whether there is one. */
static bool write_record(const struct invocation *inv, uint32_t kept_run,
			 struct outcome *o)
{
	const struct sfshm_policy any = {
		.size = sizeof(any),
		.flags = SFSHM_STALE_ON_TIMEOUT,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char key[SFSHM_KEY_MAX];
	struct record record;
	bool found;
	int r = sfshm_peek(inv->session.handle, key,
			   key_beside(&inv->options, "output", key), &any,
			   &result);

	found = r >= 0 && !record_parse(&record, result.value.data,
					result.value.len, kept_run);
	if (found)
		invocation_write(inv, o, &record);
	sfshm_result_clear(&result);
	return found;
}

bool failure_follow(const struct invocation *inv, int code, const char *message,
		    struct outcome *o)
{
	struct told told;
	char text[LINE_BYTES + 1];
	int n;

	if (!parse_message(&told, code, message))
		return false;
	outcome_status(o, told.kind, told.code);
	if (!invocation_may_write(o))
		return true;
	if (told.kept_run && write_record(inv, told.kept_run, o))
		return true;
	n = snprintf(text, sizeof(text), "%s\n", told.line);
	/* The follower may have written a part of that line, or more. */
	n -= (int)invocation_skip(inv->shown_err, (uint64_t)n);
	if (*told.line)
		invocation_write_failed(o, "standard error",
					stream_send(STDERR_FILENO,
						    text + strlen(text) - n,
						    (size_t)n));
	if (told.kept_run || told.is_lost)
		complain("key %s: the rest of the failed command's output was "
			 "not kept; enlarge the segment, see sfshm-ctl resize",
			 inv->key_text);
	return true;
}
