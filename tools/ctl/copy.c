/* SPDX-License-Identifier: MIT */
/*
 * Copies of values outside a segment.
 *
 * An export is the line "sfshm-export 1"; for each value a line with four
 * numbers (the lengths of the key and the value, and the rest of the lifetime
 * and the time as a stale value, ms, -1: for ever), the bytes of the key, the
 * bytes of the value and a newline; and at the end the line "end N", N values.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "match.h"
#include "request.h"
#include "segment.h"

#define FIRST_LINE "sfshm-export 1\n"
#define LINE_MAX_BYTES 128

static uint64_t export_all(struct sfshm *handle, const struct matches *matches)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	uint64_t count = 0;

	fputs(FIRST_LINE, stdout);
	for (size_t i = 0; i < matches->count; i++) {
		const struct match *match = &matches->match[i];

		/* The value may have gone since the view was read. */
		if (sfshm_get(handle, match->key, match->key_len, &result) < 0)
			continue;
		printf("%" PRIu32 " %zu %" PRId64 " %" PRId64 "\n",
		       match->key_len, result.value.len, match->ttl_ms,
		       match->stale_ms);
		fwrite(match->key, 1, match->key_len, stdout);
		fwrite(result.value.data, 1, result.value.len, stdout);
		putchar('\n');
		count++;
	}
	printf("end %" PRIu64 "\n", count);
	sfshm_result_clear(&result);
	return count;
}

int verb_export(const struct request *request)
{
	struct matches matches;
	struct sfshm *handle;
	uint64_t count;
	int status = matches_read(request, 1, &matches);

	if (!status)
		status = segment_open(request, 0, &handle);
	if (!status) {
		count = export_all(handle, &matches);
		status = sfshm_close(handle) ? ARGS_EXIT_FAILURE : 0;
		fprintf(stderr, "exported %" PRIu64 " value%s\n", count,
			count == 1 ? "" : "s");
	}
	matches_free(&matches);
	return status;
}

/* A record of an export. */
struct record {
	size_t key_len, value_len;
	int64_t ttl_ms, stale_ms;
	char key[SFSHM_KEY_MAX + 1];
	char *value; /* `room` bytes */
	size_t room;
};

static uint32_t ms_of(int64_t ms)
{
	return ms < 0 || ms >= UINT32_MAX ? SFSHM_FOREVER : (uint32_t)ms;
}

/* Reads the bytes behind a record's line. Returns 0 or a negated errno. */
static int bytes_read(struct record *record)
{
	char *more;

	if (record->key_len < 1 || record->key_len > SFSHM_KEY_MAX ||
	    record->value_len > UINT32_MAX)
		return -EBADMSG;
	if (record->room <= record->value_len) {
		more = realloc(record->value, record->value_len + 1);
		if (!more)
			return -ENOMEM;
		record->value = more;
		record->room = record->value_len + 1;
	}
	if (fread(record->key, 1, record->key_len, stdin) != record->key_len ||
	    fread(record->value, 1, record->value_len, stdin) !=
		    record->value_len ||
	    getchar() != '\n')
		return -EBADMSG;
	record->key[record->key_len] = '\0';
	return 0;
}

/* Reads `count` numbers that fill the line. Returns 0 or -EBADMSG. */
static int numbers_read(const char *line, int64_t *numbers, int count)
{
	for (int i = 0; i < count; i++) {
		char *end;

		errno = 0;
		numbers[i] = strtoll(line, &end, 10);
		if (end == line || errno ||
		    *end != (i + 1 < count ? ' ' : '\n'))
			return -EBADMSG;
		line = end + 1;
	}
	return 0;
}

/* Reads the next record. Returns 1, 0 at the end, or a negated errno value. */
static int record_read(struct record *record, uint64_t count)
{
	static const char last[] = "end ";
	char line[LINE_MAX_BYTES];
	int64_t numbers[4];
	int r;

	if (!fgets(line, sizeof(line), stdin))
		return -EBADMSG;
	if (strncmp(line, last, strlen(last)) == 0) {
		r = numbers_read(line + strlen(last), numbers, 1);
		return r || numbers[0] != (int64_t)count ? -EBADMSG : 0;
	}
	if (numbers_read(line, numbers, 4) || numbers[0] < 0 || numbers[1] < 0)
		return -EBADMSG;
	record->key_len = (size_t)numbers[0];
	record->value_len = (size_t)numbers[1];
	record->ttl_ms = numbers[2];
	record->stale_ms = numbers[3];
	r = bytes_read(record);
	return r ? r : 1;
}

/* Returns 1: stored; 0: left alone, a fresh value is there; or an error. */
static int record_store(const struct request *request, struct sfshm *handle,
			const struct record *record)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	int r;

	policy.ttl_ms = ms_of(record->ttl_ms);
	policy.grace_ms = ms_of(record->stale_ms);
	if (request->given & REQUEST_REPLACE)
		r = sfshm_put(handle, record->key, record->key_len, &policy,
			      record->value, record->value_len);
	else
		r = sfshm_put_if(handle, record->key, record->key_len, &policy,
				 record->value, record->value_len, 0);
	return r == -ESTALE ? 0 : r < 0 ? r : 1;
}

struct tally {
	uint64_t read, stored, left, refused;
};

static int import_all(const struct request *request, struct sfshm *handle,
		      struct tally *tally)
{
	struct record record = { 0 };
	char line[LINE_MAX_BYTES];
	int r = -EBADMSG;

	if (fgets(line, sizeof(line), stdin) && !strcmp(line, FIRST_LINE))
		r = record_read(&record, 0);
	while (r == 1) {
		tally->read++;
		if (request->pattern &&
		    fnmatch(request->pattern, record.key, 0) != 0)
			r = 0;
		else
			r = record_store(request, handle, &record);
		tally->stored += r == 1;
		tally->left += r == 0;
		tally->refused += r == -EMSGSIZE || r == -ENOSPC;
		if (r < 0 && r != -EMSGSIZE && r != -ENOSPC)
			break;
		r = record_read(&record, tally->read);
	}
	free(record.value);
	return r;
}

int verb_import(const struct request *request)
{
	struct tally tally = { 0 };
	struct sfshm *handle;
	int r, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	r = import_all(request, handle, &tally);
	status = sfshm_close(handle);
	printf("imported %" PRIu64 " value%s, %" PRIu64 " left alone\n",
	       tally.stored, tally.stored == 1 ? "" : "s", tally.left);
	if (r == -EBADMSG) {
		complain(
			"standard input is no whole export: wrong after %" PRIu64
			" values; export again",
			tally.read);
		return ARGS_EXIT_FAILURE;
	}
	if (r || status)
		return segment_failed(request, r ? r : status);
	if (tally.refused) {
		complain("%" PRIu64 " values are too large, or found no room; "
			 "resize the segment",
			 tally.refused);
		return ARGS_EXIT_FAILURE;
	}
	return 0;
}
