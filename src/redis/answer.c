/* SPDX-License-Identifier: MIT */
#include "redis/answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int answer_take(struct sfshm_fleet_answer *a, const void *bytes, size_t len)
{
	struct sfshm_buf *to = &a->bytes;
	void *data;

	if (len > to->cap) {
		data = realloc(to->data, len);
		if (!data)
			return -ENOMEM;
		to->data = data;
		to->cap = len;
	}
	if (len)
		memcpy(to->data, bytes, len);
	to->len = len;
	return 0;
}

/* Element `i` of the array, or NULL if there is none or it is no string. */
static const redisReply *string_at(const redisReply *array, size_t i)
{
	const redisReply *r = i < array->elements ? array->element[i] : NULL;

	return r && r->type == REDIS_REPLY_STRING ? r : NULL;
}

static const redisReply *array_at(const redisReply *array, size_t i)
{
	const redisReply *r = NULL;

	if (array && array->type == REDIS_REPLY_ARRAY && i < array->elements)
		r = array->element[i];
	return r && r->type == REDIS_REPLY_ARRAY ? r : NULL;
}

static uint64_t number(const redisReply *r)
{
	return r ? strtoull(r->str, NULL, 10) : 0;
}

/*
 * A token; 0: there is none. Scripts count in doubles, in which tokens beyond
 * 2^53 would not grow.
 */
static uint64_t token(const redisReply *r)
{
	uint64_t n = number(r);

	return n < UINT64_C(1) << 53 ? n : 0;
}

/* Reads a flight's code. False: no flight can have it. */
static bool read_code(struct sfshm_fleet_answer *a, const redisReply *r)
{
	char *end = NULL;
	long long n = r ? strtoll(r->str, &end, 10) : 0;

	a->code = (int32_t)n;
	return r && end != r->str && !*end && n > INT32_MIN && n <= INT32_MAX;
}

static const struct {
	const char *word;
	enum sfshm_fleet_verdict verdict;
} verdicts[] = {
	{ "HIT", SFSHM_FLEET_HIT },
	{ "HELD", SFSHM_FLEET_HELD },
	{ "LED", SFSHM_FLEET_LED },
	{ "INHERITED", SFSHM_FLEET_INHERITED },
	{ "OK", SFSHM_FLEET_OK },
	{ "RECLAIMED", SFSHM_FLEET_RECLAIMED },
	{ "FENCED", SFSHM_FLEET_FENCED },
};

int answer_read(struct sfshm_fleet_answer *a, const redisReply *reply)
{
	const redisReply *word = string_at(reply, 0), *left, *code, *bytes;

	a->verdict = 0;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		if (!strcmp(word->str, verdicts[i].word))
			a->verdict = (int32_t)verdicts[i].verdict;
	if (!a->verdict)
		return -EPROTO;
	a->token = token(string_at(reply, 1));
	left = string_at(reply, 2);
	/* PTTL is negative if the lease has no end. No script leaves such a
	   lease, so there is no end to wait for: the caller asks again soon. */
	a->left_ms = left && left->str[0] != '-' ? number(left) : 0;
	a->bytes.len = 0;
	if (a->verdict != SFSHM_FLEET_HIT)
		return 0;
	code = string_at(reply, 3);
	bytes = string_at(reply, 4);
	if (!left || !a->token || !read_code(a, code))
		return -EPROTO;
	return bytes ? answer_take(a, bytes->str, bytes->len) : 1;
}

/* The value of the field `name` in a stream's entry; NULL: there is none. */
static const redisReply *field(const redisReply *fields, char name)
{
	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		const redisReply *f = string_at(fields, i);

		if (f && f->len == 1 && f->str[0] == name)
			return string_at(fields, i + 1);
	}
	return NULL;
}

int answer_read_stream(struct sfshm_fleet_answer *a, const redisReply *reply)
{
	const redisReply *entry, *id, *fields, *event, *bytes;

	a->verdict = SFSHM_FLEET_RELEASED;
	a->bytes.len = 0;
	if (reply->type == REDIS_REPLY_NIL)
		return 0;
	/* The reply lists streams [name, entries]; an entry is [id, fields]. */
	entry = array_at(array_at(array_at(reply, 0), 1), 0);
	fields = array_at(entry, 1);
	if (!fields)
		return -EPROTO;
	id = string_at(entry, 0);
	event = field(fields, 'e');
	a->token = token(id);
	if (!a->token || !event)
		return -EPROTO;
	if (event->str[0] != 'v')
		return 0;
	a->verdict = SFSHM_FLEET_RESULT;
	a->left_ms = number(field(fields, 'l'));
	if (!read_code(a, field(fields, 'c')))
		return -EPROTO;
	bytes = field(fields, 'b');
	return bytes ? answer_take(a, bytes->str, bytes->len) : 1;
}
