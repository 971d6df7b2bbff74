/* SPDX-License-Identifier: MIT */
/*
 * Waiting for another host. watch() reads the key's records, and then asks etcd
 * for all changes from the next revision on. So no change falls between the
 * two, and none is lost while the request is under way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/etcd.h"

struct watch {
	struct etcd_task call;
	struct sfshm_fleet_request request; /* without its key */
	struct conn *conn;                  /* NULL: none is needed */
	struct text body;
};

/* Whether the records say that what the caller waits for has happened. */
static bool is_over(const struct watch *w)
{
	const struct records *s = &w->call.seen;

	return !s->lease.mod ||
	       (s->value.mod && s->value.token >= w->request.token);
}

static int tell(const struct watch *w, const struct records *s,
		struct sfshm_fleet_answer *a)
{
	if (s->value.mod && s->value.token >= w->request.token)
		return etcd_take_value(a, s, SFSHM_FLEET_RESULT, s->ttl_ms);
	a->verdict = SFSHM_FLEET_RELEASED;
	return 0;
}

static void add_name(struct text *to, const char *field, const char *name)
{
	etcd_text_add(to, "\"%s\":\"", field);
	etcd_text_add_base64(to, name, strlen(name));
	etcd_text_add(to, "\",");
}

static int begin(struct watch *w)
{
	struct pool *p = &w->call.engine->pool;
	char *token;
	int r = etcd_pool_take(p, true, 0, &w->conn);

	if (r) {
		w->conn = NULL;
		return r;
	}
	etcd_text_add(&w->body, "{\"create_request\":{");
	add_name(&w->body, "key", w->call.names.at[NAME_FENCE]);
	add_name(&w->body, "range_end", w->call.names.at[NAME_END]);
	etcd_text_add(&w->body, "\"start_revision\":\"%llu\"}}",
		      (unsigned long long)w->call.seen.revision + 1);
	token = etcd_pool_token(p);
	r = etcd_conn_begin(w->conn, &p->url,
			    __atomic_load_n(&p->member, __ATOMIC_RELAXED),
			    "/v3/watch", token, &w->body);
	free(token);
	return r;
}

void etcd_unwatch(void *watch)
{
	struct watch *w = watch;

	if (w->conn)
		etcd_pool_give(&w->call.engine->pool, w->conn, true);
	etcd_text_free(&w->body);
	etcd_end(&w->call);
	free(w);
}

int etcd_watch(void *engine, const struct sfshm_fleet_request *q, void **watch)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct etcd *e = engine;
	uint64_t end = etcd_clock_ns() + e->command_ms * NS_PER_MS;
	int r;

	if (!w)
		return -ENOMEM;
	w->request = *q;
	/* The request's deadline is that of the whole wait. */
	if (end < q->deadline_ns)
		w->request.deadline_ns = end;
	r = etcd_begin(&w->call, engine, &w->request);
	if (r) {
		free(w);
		return r;
	}
	w->request.key = NULL;
	r = etcd_look(&w->call);
	if (!r && !is_over(w))
		r = begin(w);
	if (r) {
		etcd_unwatch(w);
		return r;
	}
	*watch = w;
	return 0;
}

/* Reads one change. Sets *ends: the lease is gone. */
static int take_event(struct records *s, const json_t *event, bool *ends)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *kv = json_object_get(event, "kv");
	struct records removed = { 0 };
	int r;

	if (!type || strcmp(type, "DELETE") != 0) {
		r = etcd_record_read(s, kv);
		/* Only a release and an invalidation write the fence. */
		*ends |= !r && s->fence.mod;
		return r;
	}
	/* A removed record has no text, so it is not parsed. */
	r = etcd_record_read(&removed, kv);
	*ends |= removed.lease.mod > 0;
	etcd_records_free(&removed);
	return r == -EREMOTE ? 0 : r;
}

/* Reads a line of the stream. Returns as etcd_next(). */
static int take_line(struct watch *w, const char *line, size_t len,
		     struct sfshm_fleet_answer *a)
{
	json_t *reply = json_loadb(line, len, 0, NULL);
	const json_t *result = json_object_get(reply, "result");
	const json_t *events = json_object_get(result, "events");
	struct records s = { 0 };
	bool ends = false;
	int r = json_is_object(result) ? 0 : -EPROTO;

	if (json_is_true(json_object_get(result, "canceled")))
		r = -ECONNRESET;
	for (size_t i = 0; !r && i < json_array_size(events); i++)
		r = take_event(&s, json_array_get(events, i), &ends);
	if (!r && (ends || (s.value.mod && s.value.token >= w->request.token)))
		r = tell(w, &s, a);
	else if (!r)
		r = -EAGAIN;
	etcd_records_free(&s);
	json_decref(reply);
	return r;
}

int etcd_next(void *watch, uint64_t until_ns, struct sfshm_fleet_answer *a)
{
	struct watch *w = watch;
	struct text *got;
	size_t len;
	int r;

	a->bytes.len = 0;
	if (!w->conn)
		return tell(w, &w->call.seen, a);
	got = &w->conn->reply;
	do {
		r = etcd_conn_receive(w->conn, true, until_ns);
		if (r)
			return r == -ETIMEDOUT ? -EAGAIN : r;
		len = (size_t)((char *)memchr(got->at, '\n', got->len) -
			       got->at);
		r = take_line(w, got->at, len, a);
		etcd_text_drop(got, len + 1);
	} while (r == -EAGAIN && etcd_clock_ns() < until_ns);
	return r;
}
