/* SPDX-License-Identifier: MIT */
/* Single values: reading, storing, and listing their keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sfshm.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/escape.h"
#include "match.h"
#include "request.h"
#include "segment.h"

/* Statuses of get for keys that have no value. */
enum { GET_NOTHING = 1, GET_FAILURE = 4 };

/* Complains about a key without a value. */
static int get_answer(const struct request *request, int r,
		      const struct sfshm_result *result)
{
	const char *shown = segment_key(request);

	if (r == -ENODATA) {
		complain("%s: there is no %svalue; sfshm-dump -s %s shows the "
			 "keys",
			 shown, request->given & REQUEST_STALE ? "" : "fresh ",
			 args_segment(request->segment));
		return GET_NOTHING;
	}
	if (r == -EREMOTEIO || r == -ENOENT) {
		complain("%s: its work failed: %d %s", shown, result->code,
			 result->message);
		return GET_FAILURE;
	}
	return segment_failed(request, r);
}

int verb_get(const struct request *request)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *handle;
	int r, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	if (request->given & REQUEST_STALE)
		policy.flags = SFSHM_STALE_ON_TIMEOUT | SFSHM_RETRY_ON_FAILURE;
	r = sfshm_peek(handle, request->key, strlen(request->key), &policy,
		       &result);
	if (r >= 0)
		fwrite(result.value.data, 1, result.value.len, stdout);
	else
		status = get_answer(request, r, &result);
	sfshm_result_clear(&result);
	if (sfshm_close(handle) && !status)
		status = ARGS_EXIT_FAILURE;
	return status;
}

/* Reads standard input to its end. Returns 0 or a negated errno value. */
static int input_read(char **data, size_t *len)
{
	size_t room = 0;

	*data = NULL;
	*len = 0;
	for (;;) {
		ssize_t n;
		char *more;

		if (*len == room) {
			room = room ? 2 * room : 65536;
			more = realloc(*data, room);
			if (!more)
				return -ENOMEM;
			*data = more;
		}
		n = read(STDIN_FILENO, *data + *len, room - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*len += (size_t)n;
	}
}

static int put(const struct request *request, const char *data, size_t len)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm *handle;
	int r, closed, status = segment_open(request, 0, &handle);

	if (status)
		return status;
	policy.ttl_ms = request->given & REQUEST_TTL ?
				(uint32_t)request->ttl_ms :
				SFSHM_FOREVER;
	policy.grace_ms = (uint32_t)request->grace_ms;
	r = sfshm_put_tagged(handle, request->key, strlen(request->key),
			     &policy, data, len, request->tags,
			     request->tags_count);
	closed = sfshm_close(handle);
	if (r == SFSHM_INVALIDATED)
		complain("%s: the value is stale from the start: somebody "
			 "invalidated the key meanwhile",
			 segment_key(request));
	if (r < 0 || closed)
		return segment_failed(request, r < 0 ? r : closed);
	return 0;
}

int verb_put(const struct request *request)
{
	char *data = NULL;
	size_t len;
	int r, status;

	if (request->value)
		return put(request, request->value, strlen(request->value));
	r = input_read(&data, &len);
	if (r) {
		complain("cannot read the value: %s", strerror(-r));
		status = ARGS_EXIT_FAILURE;
	} else {
		status = put(request, data, len);
	}
	free(data);
	return status;
}

int verb_list(const struct request *request)
{
	struct matches matches;
	int status = matches_read(request, 0, &matches);

	for (size_t i = 0; i < matches.count && !status; i++) {
		const struct match *match = &matches.match[i];
		char shown[ESCAPE_SIZE(SFSHM_KEY_MAX)];

		if (request->given & REQUEST_NULL) {
			fwrite(match->key, 1, match->key_len, stdout);
			putchar('\0');
			continue;
		}
		escape(shown, match->key, match->key_len, ESCAPE_LOCALE, 0);
		puts(shown);
	}
	matches_free(&matches);
	return status;
}
