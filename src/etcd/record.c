/* SPDX-License-Identifier: MIT */
#include "etcd/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void separate(struct text *list)
{
	if (list->len)
		etcd_text_add(list, ",");
}

static void add_name(struct text *to, const char *field, const char *name)
{
	etcd_text_add(to, "\"%s\":\"", field);
	etcd_text_add_base64(to, name, strlen(name));
	etcd_text_add(to, "\"");
}

void etcd_txn_compare_mod(struct txn *t, const char *name, uint64_t mod)
{
	separate(&t->compares);
	etcd_text_add(&t->compares, "{");
	add_name(&t->compares, "key", name);
	etcd_text_add(&t->compares,
		      ",\"target\":\"MOD\",\"result\":\"EQUAL\","
		      "\"mod_revision\":\"%llu\"}",
		      (unsigned long long)mod);
}

void etcd_txn_compare_text(struct txn *t, const char *name, const char *text)
{
	separate(&t->compares);
	etcd_text_add(&t->compares, "{");
	add_name(&t->compares, "key", name);
	etcd_text_add(&t->compares,
		      ",\"target\":\"VALUE\",\"result\":\"EQUAL\",");
	add_name(&t->compares, "value", text);
	etcd_text_add(&t->compares, "}");
}

void etcd_txn_put(struct txn *t, const char *name, const void *text, size_t len,
		  uint64_t lease)
{
	separate(&t->acts);
	etcd_text_add(&t->acts, "{\"requestPut\":{");
	add_name(&t->acts, "key", name);
	etcd_text_add(&t->acts, ",\"value\":\"");
	etcd_text_add_base64(&t->acts, text, len);
	etcd_text_add(&t->acts, "\",\"lease\":\"%llu\"}}",
		      (unsigned long long)lease);
}

void etcd_txn_delete(struct txn *t, const char *name)
{
	separate(&t->acts);
	etcd_text_add(&t->acts, "{\"requestDeleteRange\":{");
	add_name(&t->acts, "key", name);
	etcd_text_add(&t->acts, "}}");
}

void etcd_txn_note_lease(struct txn *t, const char *name)
{
	separate(&t->acts);
	etcd_text_add(&t->acts, "{\"requestRange\":{");
	add_name(&t->acts, "key", name);
	etcd_text_add(&t->acts, ",\"keys_only\":true}}");
}

void etcd_txn_compare_all(struct txn *t, const struct names *n,
			  const struct records *s)
{
	etcd_txn_compare_mod(t, n->at[NAME_FENCE], s->fence.mod);
	etcd_txn_compare_mod(t, n->at[NAME_LEASE], s->lease.mod);
	etcd_txn_compare_mod(t, n->at[NAME_VALUE], s->value.mod);
	etcd_txn_compare_mod(t, n->at[NAME_BASE], s->base_mod);
}

void etcd_txn_free(struct txn *t)
{
	etcd_text_free(&t->compares);
	etcd_text_free(&t->acts);
}

/* The two ranges that etcd_records_read() expects. */
static void add_ranges(struct text *body, const struct names *n)
{
	etcd_text_add(body, "[{\"requestRange\":{");
	add_name(body, "key", n->at[NAME_FENCE]);
	etcd_text_add(body, ",");
	add_name(body, "range_end", n->at[NAME_END]);
	etcd_text_add(body, "}},{\"requestRange\":{");
	add_name(body, "key", n->at[NAME_BASE]);
	etcd_text_add(body, "}}]");
}

/* A number and the character that follows it. False: there is none. */
static bool take_number(const char **at, char end, uint64_t *number)
{
	char *after;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*number = strtoull(*at, &after, 10);
	if (errno || *after != end)
		return false;
	*at = after + (end ? 1 : 0);
	return true;
}

/* +BASE or =TOKEN */
static bool take_token(const char *at, struct record *r)
{
	char kind = *at++;
	uint64_t number;

	if ((kind != '+' && kind != '=') || !take_number(&at, '\0', &number))
		return false;
	r->token = kind == '=' ? number : number + r->mod;
	return r->token >= number && r->token > 0 && r->token <= TOKEN_MAX;
}

static bool parse_lease(struct records *s, const char *at)
{
	uint64_t ms;

	if (strspn(at, "0123456789abcdef") != HOLDER_DIGITS)
		return false;
	memcpy(s->holder, at, HOLDER_DIGITS);
	at += HOLDER_DIGITS;
	if (*at++ != ' ' || !take_number(&at, ' ', &ms) || ms > INT32_MAX)
		return false;
	s->lease_ms = (uint32_t)ms;
	return take_token(at, &s->lease);
}

static bool parse_value(struct records *s, const char *text)
{
	const char *at = text;
	uint64_t ttl, code;
	bool negative;

	if (!take_number(&at, ' ', &s->value.token) || !s->value.token ||
	    s->value.token > TOKEN_MAX || !take_number(&at, ' ', &ttl) ||
	    ttl > UINT32_MAX)
		return false;
	negative = *at == '-';
	at += negative;
	if (!take_number(&at, '\n', &code) || code > INT32_MAX)
		return false;
	s->ttl_ms = (uint32_t)ttl;
	s->code = negative ? -(int32_t)code : (int32_t)code;
	s->head = (size_t)(at - text);
	return true;
}

/* Takes the text of the record whose name ends with the letter. */
static bool parse(struct records *s, char letter, struct text *text)
{
	const char *at = text->at;

	switch (letter) {
	case 'F': return take_token(at, &s->fence);
	case 'L': return parse_lease(s, at);
	case 'e':
		return take_number(&at, '\0', &s->base) && s->base <= TOKEN_MAX;
	case 'V':
		etcd_text_free(&s->bytes);
		s->bytes = *text;
		*text = (struct text){ 0 };
		return parse_value(s, s->bytes.at);
	default: return false;
	}
}

/* The record that has this letter; NULL: the base. */
static struct record *place_of(struct records *s, char letter)
{
	switch (letter) {
	case 'F': return &s->fence;
	case 'L': return &s->lease;
	case 'V': return &s->value;
	default: return NULL;
	}
}

/* The last letter of a record's name; 0: the reply has none. */
static char letter_of(const json_t *kv)
{
	const json_t *key = json_object_get(kv, "key");
	struct text name = { 0 };
	char letter = 0;

	if (json_is_string(key) &&
	    !etcd_text_decode(&name, json_string_value(key),
			      json_string_length(key)) &&
	    name.len)
		letter = name.at[name.len - 1];
	etcd_text_free(&name);
	return letter;
}

int etcd_record_read(struct records *s, const json_t *kv)
{
	const json_t *value = json_object_get(kv, "value");
	uint64_t mod = etcd_call_number(kv, "mod_revision");
	char letter = letter_of(kv);
	struct record *place = place_of(s, letter);
	struct text text = { 0 };
	int r;

	if (!mod || !letter)
		return -EPROTO;
	if (place)
		*place = (struct record){
			.mod = mod, .lease = etcd_call_number(kv, "lease")
		};
	else
		s->base_mod = mod;
	r = etcd_text_decode(&text, value ? json_string_value(value) : "",
			     value ? json_string_length(value) : 0);
	if (!r && !parse(s, letter, &text))
		r = -EREMOTE;
	etcd_text_free(&text);
	return r;
}

static int take_range(struct records *s, const json_t *response)
{
	const json_t *range = json_object_get(response, "response_range");
	const json_t *list = json_object_get(range, "kvs");
	int r = json_is_object(range) ? 0 : -EPROTO;

	for (size_t i = 0; !r && i < json_array_size(list); i++)
		r = etcd_record_read(s, json_array_get(list, i));
	return r;
}

static int take_records(struct records *s, const json_t *reply)
{
	const json_t *responses = json_object_get(reply, "responses");
	int r = json_array_size(responses) == 2 ? 0 : -EPROTO;

	for (size_t i = 0; !r && i < 2; i++)
		r = take_range(s, json_array_get(responses, i));
	return r;
}

/* The etcd lease that etcd_txn_note_lease() has asked for; 0: none. */
static uint64_t noted_lease(const json_t *reply)
{
	const json_t *responses = json_object_get(reply, "responses"), *range;
	uint64_t lease = 0;

	for (size_t i = 0; i < json_array_size(responses); i++) {
		range = json_object_get(json_array_get(responses, i),
					"response_range");
		range = json_array_get(json_object_get(range, "kvs"), 0);
		lease = range ? etcd_call_number(range, "lease") : lease;
	}
	return lease;
}

static int run(struct pool *p, const struct text *body, uint64_t deadline,
	       struct records *s, bool *succeeded)
{
	json_t *reply;
	int r = etcd_call(p, "/v3/kv/txn", body, deadline, &reply);

	etcd_records_free(s);
	if (r)
		return r;
	*succeeded = json_is_true(json_object_get(reply, "succeeded"));
	s->revision =
		etcd_call_number(json_object_get(reply, "header"), "revision");
	if (!s->revision)
		r = -EPROTO;
	else if (*succeeded)
		s->freed = noted_lease(reply);
	else
		r = take_records(s, reply);
	json_decref(reply);
	return r;
}

int etcd_txn_run(struct pool *p, const struct txn *t, const struct names *n,
		 uint64_t deadline, struct records *s)
{
	struct text body = { 0 };
	bool succeeded;
	int r;

	etcd_text_add(&body, "{\"compare\":[");
	etcd_text_add_bytes(&body, t->compares.at, t->compares.len);
	etcd_text_add(&body, "],\"success\":[");
	etcd_text_add_bytes(&body, t->acts.at, t->acts.len);
	etcd_text_add(&body, "],\"failure\":");
	add_ranges(&body, n);
	etcd_text_add(&body, "}");
	body.failed |= t->compares.failed || t->acts.failed;
	r = body.failed ? -ENOMEM : run(p, &body, deadline, s, &succeeded);
	etcd_text_free(&body);
	return r ? r : succeeded;
}

int etcd_records_read(struct pool *p, const struct names *n, uint64_t deadline,
		      struct records *s)
{
	struct text body = { 0 };
	bool succeeded;
	int r;

	/* No key has version -1, so this reads what a failure reads. */
	etcd_text_add(&body, "{\"compare\":[{");
	add_name(&body, "key", n->at[NAME_BASE]);
	etcd_text_add(&body, ",\"target\":\"VERSION\",\"result\":\"LESS\","
			     "\"version\":\"0\"}],\"failure\":");
	add_ranges(&body, n);
	etcd_text_add(&body, "}");
	r = body.failed ? -ENOMEM : run(p, &body, deadline, s, &succeeded);
	etcd_text_free(&body);
	return r || !succeeded ? r : -EPROTO;
}

void etcd_records_free(struct records *s)
{
	etcd_text_free(&s->bytes);
	*s = (struct records){ 0 };
}
