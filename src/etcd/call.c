/* SPDX-License-Identifier: MIT */
#include "etcd/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Codes of gRPC. */
enum {
	INVALID_ARGUMENT = 3,
	DEADLINE_EXCEEDED = 4,
	NOT_FOUND = 5,
	PERMISSION_DENIED = 7,
	RESOURCE_EXHAUSTED = 8,
	FAILED_PRECONDITION = 9,
	UNAVAILABLE = 14,
	UNAUTHENTICATED = 16,
};

/* The log-in does not hold, or no longer. */
#define LOG_IN (-EKEYREJECTED)
/* This cluster knows no users. */
#define NO_USERS (-ENOTSUP)

uint64_t etcd_call_number(const json_t *object, const char *field)
{
	const json_t *value = json_object_get(object, field);
	const char *text = json_string_value(value);

	if (text)
		return *text == '-' ? 0 : strtoull(text, NULL, 10);
	return json_integer_value(value) > 0 ?
		       (uint64_t)json_integer_value(value) :
		       0;
}

/* The error that a reply says, by its code and, where that is not enough, by
   its words. */
static int refusal(const json_t *reply)
{
	const json_t *inner = json_object_get(reply, "error");
	const char *text;
	uint64_t code;

	/* A stream has the error in an object of its own, where etcd before 3.6
	   has gRPC's code by another name. */
	inner = json_is_object(inner) ? inner : reply;
	code = etcd_call_number(inner, "grpc_code");
	code = code ? code : etcd_call_number(inner, "code");
	text = json_string_value(json_object_get(inner, "message"));
	text = text ? text : "";
	switch (code) {
	case INVALID_ARGUMENT:
		if (strstr(text, "request is too large"))
			return -EMSGSIZE;
		if (strstr(text, "user name is empty") ||
		    strstr(text, "auth store is old"))
			return LOG_IN;
		return strstr(text, "authentication failed") ? -EACCES :
							       -EHOSTUNREACH;
	case NOT_FOUND:
		return strstr(text, "lease not found") ? -ENOENT :
							 -EHOSTUNREACH;
	case PERMISSION_DENIED: return -EREMOTE;
	case RESOURCE_EXHAUSTED:
		return strstr(text, "message larger than max") ? -EMSGSIZE :
								 -EHOSTUNREACH;
	case FAILED_PRECONDITION:
		return strstr(text, "authentication is not enabled") ?
			       NO_USERS :
			       -EHOSTUNREACH;
	case UNAUTHENTICATED: return LOG_IN;
	case DEADLINE_EXCEEDED:
	case UNAVAILABLE:
	default: return -EHOSTUNREACH;
	}
}

static int post(struct pool *p, struct conn *c, unsigned int member,
		const char *path, const char *token, const struct text *body,
		uint64_t deadline, json_t **reply)
{
	json_t *got = NULL;
	int r = etcd_conn_begin(c, &p->url, member, path,
				token && *token ? token : NULL, body);

	*reply = NULL;
	if (!r)
		do {
			r = etcd_conn_receive(c, false, deadline);
		} while (r == -EINTR);
	if (!r) {
		got = c->reply.len ?
			      json_loadb(c->reply.at, c->reply.len, 0, NULL) :
			      NULL;
		if (!json_is_object(got))
			r = -EPROTO;
		else if (etcd_conn_status(c) != 200 ||
			 json_object_get(got, "error"))
			r = refusal(got);
	}
	etcd_conn_end(c);
	if (r)
		json_decref(got);
	else
		*reply = got;
	return r;
}

static void add_word(struct text *body, const char *name, const char *word)
{
	json_t *value = json_string(word);
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

	etcd_text_add(body, "\"%s\":", name);
	if (text)
		etcd_text_add_bytes(body, text, strlen(text));
	else
		body->failed = true;
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	json_decref(value);
}

static int log_in(struct pool *p, struct conn *c, unsigned int member,
		  uint64_t deadline)
{
	struct text body = { 0 };
	const char *token;
	json_t *reply;
	int r;

	etcd_text_add(&body, "{");
	add_word(&body, "name", p->url.user);
	etcd_text_add(&body, ",");
	add_word(&body, "password", p->url.password ? p->url.password : "");
	etcd_text_add(&body, "}");
	r = post(p, c, member, "/v3/auth/authenticate", NULL, &body, deadline,
		 &reply);
	if (body.at)
		explicit_bzero(body.at, body.len);
	etcd_text_free(&body);
	if (r == NO_USERS) {
		etcd_pool_set_token(p, "");
		return 0;
	}
	if (r)
		return r == LOG_IN ? -EACCES : r;
	token = json_string_value(json_object_get(reply, "token"));
	etcd_pool_set_token(p, token);
	json_decref(reply);
	return token ? 0 : -EPROTO;
}

/* Asks one member. */
static int ask(struct pool *p, struct conn *c, unsigned int member,
	       const char *path, const struct text *body, uint64_t deadline,
	       json_t **reply)
{
	char *token = p->url.user ? etcd_pool_token(p) : NULL;
	bool anew = p->url.user && !token;
	int r = LOG_IN;

	if (!anew)
		r = post(p, c, member, path, token, body, deadline, reply);
	free(token);
	if (r != LOG_IN)
		return r;
	/* A token holds for some minutes, and not if a member restarts. */
	if (!p->url.user)
		return -EACCES;
	r = log_in(p, c, member, deadline);
	if (r)
		return r;
	token = etcd_pool_token(p);
	r = post(p, c, member, path, token, body, deadline, reply);
	free(token);
	return r == LOG_IN ? -EACCES : r;
}

/* Whether another member may do better: its certificate may be a better one,
   too. */
static bool is_of_the_member(int r)
{
	return r == -ECONNRESET || r == -ETIMEDOUT || r == -EHOSTUNREACH ||
	       r == -EPROTO || r == -EACCES;
}

int etcd_call(struct pool *p, const char *path, const struct text *body,
	      uint64_t deadline, json_t **reply)
{
	unsigned int members = p->url.members;
	unsigned int first = __atomic_load_n(&p->member, __ATOMIC_RELAXED);
	struct conn *c;
	int r;

	*reply = NULL;
	if (etcd_clock_ns() >= deadline)
		return -ETIMEDOUT;
	r = etcd_pool_take(p, false, deadline, &c);
	if (r)
		return r;
	for (unsigned int i = 0; i < members; i++) {
		unsigned int member = (first + i) % members;
		uint64_t now = etcd_clock_ns(), end = deadline;

		if (i + 1 < members && now < end)
			end = now + (end - now) / 2;
		r = ask(p, c, member, path, body, end, reply);
		if (is_of_the_member(r))
			continue;
		__atomic_store_n(&p->member, member, __ATOMIC_RELAXED);
		break;
	}
	etcd_pool_give(p, c, false);
	return r;
}
