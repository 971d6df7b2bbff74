/* SPDX-License-Identifier: MIT */
/* The engine's operations. */
#include <sfshm/fleet-redis.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/answer.h"
#include "redis/names.h"
#include "redis/script.h"

/* A larger result's bytes have a key of their own. */
#define INLINE_MAX ((size_t)16 << 10)
/* The longest string that a server takes, by default. */
#define BYTES_MAX ((size_t)512 << 20)
/* Time to live of bytes before a script has accepted them. */
#define BYTES_MS "60000"

struct redis {
	struct pool pool;
	uint32_t command_ms;
};

/* Digits of a number, for the words of a command. */
struct digits {
	char text[24];
};

static const char *digits_of(struct digits *d, uint64_t n)
{
	snprintf(d->text, sizeof(d->text), "%llu", (unsigned long long)n);
	return d->text;
}

static int redis_open(const char *url, const struct sfshm_fleet_options *o,
		      void **engine)
{
	struct redis *e = calloc(1, sizeof(*e));
	char why[256] = "";
	int r = e ? url_parse(&e->pool.url, url, why, sizeof(why)) : -ENOMEM;

	if (r && o->why && o->why_size)
		snprintf(o->why, o->why_size, "%s", why);
	if (r && e)
		url_free(&e->pool.url);
	if (r) {
		free(e);
		return r;
	}
	pool_init(&e->pool);
	e->command_ms = o->command_ms;
	*engine = e;
	return 0;
}

static void redis_close(void *engine, int forked)
{
	struct redis *e = engine;

	pool_end(&e->pool, forked);
	if (forked)
		return;
	url_free(&e->pool.url);
	free(e);
}

static void add_names(struct words *w, const struct names *n, int count)
{
	for (int i = 0; i < count; i++)
		words_add_text(w, n->at[i]);
}

/* Fetches the bytes of a large result; 1: they are gone. */
static int fetch(struct redis *e, struct names *n, uint64_t deadline,
		 struct sfshm_fleet_answer *a)
{
	struct words command = { .count = 0 };
	redisReply *reply;
	int r;

	names_set_token(n, a->token);
	words_add_text(&command, "GET");
	words_add_text(&command, n->at[NAME_BYTES]);
	r = command_run(&e->pool, &command, deadline, &reply);
	if (r)
		return r;
	r = reply->type == REDIS_REPLY_STRING ?
		    answer_take(a, reply->str, reply->len) :
		    1;
	freeReplyObject(reply);
	return r;
}

/* Whether the answer is one that acquire.lua gives. */
static bool answers_acquire(const struct sfshm_fleet_answer *a,
			    uint64_t newer_than, uint64_t floor)
{
	switch (a->verdict) {
	case SFSHM_FLEET_HIT: return a->token > newer_than;
	case SFSHM_FLEET_HELD: return a->token > 0;
	case SFSHM_FLEET_LED:
	case SFSHM_FLEET_INHERITED: return a->token > floor;
	default: return false;
	}
}

static int acquire_once(struct redis *e, const struct sfshm_fleet_request *q,
			struct names *n, uint64_t newer_than,
			struct sfshm_fleet_answer *a)
{
	struct digits lease, newer, floor;
	struct words args = { .count = 0 };
	redisReply *reply;
	int r;

	add_names(&args, n, 3);
	words_add(&args, q->holder, sizeof(q->holder));
	words_add_text(&args, digits_of(&lease, q->lease_ms));
	words_add_text(&args, digits_of(&newer, newer_than));
	words_add_text(&args, digits_of(&floor, q->token));
	r = script_run(&e->pool, &script_acquire, 3, &args, q->deadline_ns,
		       &reply);
	if (r)
		return r;
	r = answer_read(a, reply);
	freeReplyObject(reply);
	if (r >= 0 && !answers_acquire(a, newer_than, q->token))
		return -EPROTO;
	return r == 1 ? fetch(e, n, q->deadline_ns, a) : r;
}

static int redis_acquire(void *engine, const struct sfshm_fleet_request *q,
			 struct sfshm_fleet_answer *a)
{
	struct redis *e = engine;
	uint64_t newer_than = q->newer_than;
	struct names n;
	int r = names_make(&n, e->pool.url.ns, q->key, q->key_len);

	if (r)
		return r;
	do {
		r = acquire_once(e, q, &n, newer_than, a);
		newer_than = a->token;
	} while (r == 1);
	names_free(&n);
	return r;
}

/*
 * Sets *bytes to the result's bytes in one piece. Copies them if they are in
 * several; the caller frees *owned.
 */
static int gather(const struct sfshm_fleet_request *q, char **owned,
		  const char **bytes, size_t *len)
{
	char *to;

	*owned = NULL;
	*len = 0;
	for (int i = 0; i < q->count; i++)
		*len += q->iov[i].iov_len;
	if (*len > BYTES_MAX)
		return -EMSGSIZE;
	*bytes = q->count == 1 && *len ? q->iov[0].iov_base : "";
	if (q->count < 2 || !*len)
		return 0;
	*owned = to = malloc(*len);
	if (!to)
		return -ENOMEM;
	for (int i = 0; i < q->count; i++) {
		if (!q->iov[i].iov_len)
			continue;
		memcpy(to, q->iov[i].iov_base, q->iov[i].iov_len);
		to += q->iov[i].iov_len;
	}
	*bytes = *owned;
	return 0;
}

/* Stores the bytes of a large result, which no script has accepted yet. */
static int store(struct redis *e, const struct names *n, const char *bytes,
		 size_t len, uint64_t deadline)
{
	struct words command = { .count = 0 };
	redisReply *reply;
	int r;

	words_add_text(&command, "SET");
	words_add_text(&command, n->at[NAME_BYTES]);
	words_add(&command, bytes, len);
	words_add_text(&command, "PX");
	words_add_text(&command, BYTES_MS);
	r = command_run(&e->pool, &command, deadline, &reply);
	if (!r)
		freeReplyObject(reply);
	return r;
}

static int run(struct redis *e, const struct script *s, int keys,
	       const struct words *args, const struct sfshm_fleet_request *q,
	       struct sfshm_fleet_answer *a)
{
	redisReply *reply;
	int r = script_run(&e->pool, s, keys, args, q->deadline_ns, &reply);

	if (r)
		return r;
	r = answer_read(a, reply);
	freeReplyObject(reply);
	return r == 1 || a->verdict < SFSHM_FLEET_OK ? -EPROTO : r;
}

static int publish_bytes(struct redis *e, const struct sfshm_fleet_request *q,
			 struct names *n, const char *bytes, size_t len,
			 struct sfshm_fleet_answer *a)
{
	struct digits token, ttl, lease, length;
	struct words args = { .count = 0 };
	bool large = len > INLINE_MAX;
	char code[16];
	int r = 0;

	names_set_token(n, q->token);
	if (large)
		r = store(e, n, bytes, len, q->deadline_ns);
	if (r)
		return r;
	snprintf(code, sizeof(code), "%d", (int)q->code);
	add_names(&args, n, 4);
	words_add(&args, q->holder, sizeof(q->holder));
	words_add_text(&args, digits_of(&token, q->token));
	words_add_text(&args, digits_of(&ttl, q->ttl_ms));
	words_add_text(&args, digits_of(&lease, q->lease_ms));
	words_add_text(&args, code);
	words_add_text(&args, q->alive ? "1" : "0");
	if (large)
		words_add_text(&args, digits_of(&length, len));
	else
		words_add(&args, bytes, len);
	words_add_text(&args, large ? "1" : "0");
	return run(e, &script_publish, 4, &args, q, a);
}

static int redis_publish(void *engine, const struct sfshm_fleet_request *q,
			 struct sfshm_fleet_answer *a)
{
	struct redis *e = engine;
	const char *bytes;
	struct names n;
	char *owned;
	size_t len;
	int r = gather(q, &owned, &bytes, &len);

	if (r)
		return r;
	r = names_make(&n, e->pool.url.ns, q->key, q->key_len);
	if (!r) {
		r = publish_bytes(e, q, &n, bytes, len, a);
		names_free(&n);
	}
	free(owned);
	return r;
}

static int redis_renew(void *engine, const struct sfshm_fleet_request *q,
		       struct sfshm_fleet_answer *a)
{
	struct redis *e = engine;
	struct words args = { .count = 0 };
	struct digits token, lease;
	struct names n;
	int r = names_make(&n, e->pool.url.ns, q->key, q->key_len);

	if (r)
		return r;
	add_names(&args, &n, 2);
	words_add(&args, q->holder, sizeof(q->holder));
	words_add_text(&args, digits_of(&token, q->token));
	words_add_text(&args, digits_of(&lease, q->lease_ms));
	words_add_text(&args, q->alive ? "1" : "0");
	r = run(e, &script_renew, 2, &args, q, a);
	names_free(&n);
	return r;
}

static int redis_release(void *engine, const struct sfshm_fleet_request *q,
			 struct sfshm_fleet_answer *a)
{
	struct redis *e = engine;
	struct words args = { .count = 0 };
	struct digits token, lease;
	struct names n;
	int r = names_make(&n, e->pool.url.ns, q->key, q->key_len);

	if (r)
		return r;
	add_names(&args, &n, 3);
	words_add(&args, q->holder, sizeof(q->holder));
	words_add_text(&args, digits_of(&token, q->token));
	words_add_text(&args, digits_of(&lease, q->lease_ms));
	r = run(e, &script_release, 3, &args, q, a);
	names_free(&n);
	return r;
}

static int redis_invalidate(void *engine, const struct sfshm_fleet_request *q,
			    struct sfshm_fleet_answer *a)
{
	struct redis *e = engine;
	struct words args = { .count = 0 };
	struct digits lease, floor;
	struct names n;
	int r = names_make(&n, e->pool.url.ns, q->key, q->key_len);

	if (r)
		return r;
	add_names(&args, &n, 4);
	words_add_text(&args, digits_of(&lease, q->lease_ms));
	words_add_text(&args, digits_of(&floor, q->token));
	r = run(e, &script_invalidate, 4, &args, q, a);
	names_free(&n);
	return r;
}

/* A wait for another host. XREAD blocks, so each has a connection to itself. */
struct watch {
	struct redis *engine;
	struct conn *conn;
	struct names names;
	bool answered;
};

/* The deadline of a command that begins now. */
static uint64_t command_end(const struct redis *e)
{
	return clock_ns() + e->command_ms * NS_PER_MS;
}

static int begin_to_read(struct watch *w, const struct sfshm_fleet_request *q)
{
	uint64_t now = clock_ns(), end = q->deadline_ns;
	uint64_t ms = end > now ? (end - now) / NS_PER_MS : 0;
	struct words command = { .count = 0 };
	struct digits block, token;

	words_add_text(&command, "XREAD");
	words_add_text(&command, "BLOCK");
	/* 0 would mean: for ever. */
	words_add_text(&command, digits_of(&block, ms + 1));
	words_add_text(&command, "STREAMS");
	words_add_text(&command, w->names.at[NAME_STREAM]);
	words_add_text(&command, digits_of(&token, q->token));
	return conn_send(w->conn, command.count, command.at, command.len,
			 command_end(w->engine));
}

static void redis_unwatch(void *watch)
{
	struct watch *w = watch;

	if (w->conn)
		pool_give(&w->engine->pool, w->conn, true, !w->answered);
	names_free(&w->names);
	free(w);
}

static int redis_watch(void *engine, const struct sfshm_fleet_request *q,
		       void **watch)
{
	struct redis *e = engine;
	struct watch *w = calloc(1, sizeof(*w));
	int r = w ? names_make(&w->names, e->pool.url.ns, q->key, q->key_len) :
		    -ENOMEM;

	if (r) {
		free(w);
		return r;
	}
	w->engine = e;
	r = pool_take(&e->pool, false, true, command_end(e), &w->conn);
	if (r)
		w->conn = NULL;
	else
		r = begin_to_read(w, q);
	if (r) {
		redis_unwatch(w);
		return r;
	}
	*watch = w;
	return 0;
}

static int redis_next(void *watch, uint64_t until_ns,
		      struct sfshm_fleet_answer *a)
{
	struct watch *w = watch;
	redisReply *reply;
	int r = conn_receive(w->conn, until_ns, &reply);

	if (r)
		return r == -ETIMEDOUT ? -EAGAIN : r;
	w->answered = true;
	r = answer_read_stream(a, reply);
	freeReplyObject(reply);
	if (r != 1)
		return r;
	r = fetch(w->engine, &w->names, command_end(w->engine), a);
	if (r == 1) {
		a->verdict = SFSHM_FLEET_RELEASED;
		r = 0;
	}
	return r;
}

const struct sfshm_fleet_ops *sfshm_fleet_redis(void)
{
	static const struct sfshm_fleet_ops ops = {
		.size = sizeof(ops),
		.name = "redis",
		.open = redis_open,
		.close = redis_close,
		.acquire = redis_acquire,
		.publish = redis_publish,
		.renew = redis_renew,
		.release = redis_release,
		.invalidate = redis_invalidate,
		.watch = redis_watch,
		.next = redis_next,
		.unwatch = redis_unwatch,
	};

	return &ops;
}
