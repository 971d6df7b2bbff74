/* SPDX-License-Identifier: MIT */
/* What the operations share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "etcd/etcd.h"

int etcd_begin(struct etcd_task *c, void *engine,
	       const struct sfshm_fleet_request *request)
{
	*c = (struct etcd_task){ .engine = engine, .request = request };
	return etcd_names_make(&c->names, c->engine->pool.url.ns, request->key,
			       request->key_len);
}

void etcd_end(struct etcd_task *c)
{
	etcd_records_free(&c->seen);
	etcd_names_free(&c->names);
}

static void note_base(struct etcd_task *c)
{
	__atomic_store_n(&c->engine->base, c->seen.base, __ATOMIC_RELAXED);
}

int etcd_look(struct etcd_task *c)
{
	int r = etcd_records_read(&c->engine->pool, &c->names,
				  c->request->deadline_ns, &c->seen);

	if (!r)
		note_base(c);
	return r;
}

int etcd_grant(struct etcd_task *c, uint64_t ms)
{
	struct text body = { 0 };
	json_t *reply;
	int r;

	if (c->grant)
		return 0;
	etcd_text_add(&body, "{\"TTL\":\"%llu\"}",
		      (unsigned long long)((ms + 999) / 1000));
	r = etcd_call(&c->engine->pool, "/v3/lease/grant", &body,
		      c->request->deadline_ns, &reply);
	etcd_text_free(&body);
	if (r)
		return r;
	c->grant = etcd_call_number(reply, "ID");
	json_decref(reply);
	return c->grant ? 0 : -EPROTO;
}

/* Whether a record that was seen ends with the call's etcd lease. */
static bool grant_is_used(const struct etcd_task *c)
{
	const struct records *s = &c->seen;

	return c->grant == s->fence.lease || c->grant == s->lease.lease ||
	       c->grant == s->value.lease;
}

void etcd_give_back_grant(struct etcd_task *c)
{
	struct text body = { 0 };
	json_t *reply;

	if (!c->grant || grant_is_used(c))
		return;
	etcd_text_add(&body, "{\"ID\":\"%llu\"}", (unsigned long long)c->grant);
	if (!etcd_call(&c->engine->pool, "/v3/lease/revoke", &body,
		       c->request->deadline_ns, &reply))
		json_decref(reply);
	etcd_text_free(&body);
}

int etcd_try(struct etcd_task *c, struct txn *t)
{
	int r = etcd_txn_run(&c->engine->pool, t, &c->names,
			     c->request->deadline_ns, &c->seen);

	etcd_txn_free(t);
	if (r == -ENOENT && c->grant) {
		c->grant = 0;
		r = etcd_look(c);
	} else if (!r) {
		note_base(c);
	} else if (r < 0 && r != -EREMOTE && r != -EMSGSIZE) {
		/* Nobody knows whether it was made. */
		c->grant = 0;
	}
	return r;
}

static void holder_text(const uint8_t holder[SFSHM_FLEET_HOLDER],
			char text[HOLDER_DIGITS + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SFSHM_FLEET_HOLDER; i++) {
		text[2 * i] = digits[holder[i] >> 4];
		text[2 * i + 1] = digits[holder[i] & 15];
	}
	text[HOLDER_DIGITS] = '\0';
}

void etcd_lease_text(const struct sfshm_fleet_request *q, char kind,
		     uint64_t number, struct text *text)
{
	char holder[HOLDER_DIGITS + 1];

	holder_text(q->holder, holder);
	etcd_text_add(text, "%s %u %c%llu", holder, q->lease_ms, kind,
		      (unsigned long long)number);
}

bool etcd_is_holder(const struct etcd_task *c)
{
	char holder[HOLDER_DIGITS + 1];

	holder_text(c->request->holder, holder);
	return c->seen.lease.mod && !strcmp(c->seen.holder, holder);
}

bool etcd_is_mine(const struct etcd_task *c)
{
	return etcd_is_holder(c) && c->seen.lease.token == c->request->token;
}

bool etcd_may_reclaim(const struct etcd_task *c)
{
	const struct records *s = &c->seen;
	uint64_t token = c->request->token;

	return !s->lease.mod && c->request->alive && token > s->value.token &&
	       token > s->fence.token;
}

/* The time of day, in us. */
static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

int etcd_raise_base(const struct etcd_task *c, struct txn *t, uint64_t *base)
{
	const struct records *s = &c->seen;
	uint64_t floor = higher(higher(s->value.token, s->fence.token),
				higher(s->lease.token, c->request->token));
	char text[24];

	*base = s->base;
	etcd_txn_compare_all(t, &c->names, s);
	/* The transaction's own number is above s->revision. */
	if (s->base_mod && s->base + s->revision >= floor)
		return 0;
	if (floor > TOKEN_MAX)
		return -EPROTO;
	*base = higher(floor, now_us());
	snprintf(text, sizeof(text), "%llu", (unsigned long long)*base);
	etcd_txn_put(t, c->names.at[NAME_BASE], text, strlen(text), 0);
	return 0;
}

int etcd_take_value(struct sfshm_fleet_answer *a, const struct records *s,
		    enum sfshm_fleet_verdict verdict, uint64_t left_ms)
{
	size_t len = s->bytes.len - s->head;

	if (!a->bytes.data || a->bytes.cap < len) {
		void *more = realloc(a->bytes.data, len ? len : 1);

		if (!more)
			return -ENOMEM;
		a->bytes.data = more;
		a->bytes.cap = len ? len : 1;
	}
	memcpy(a->bytes.data, s->bytes.at + s->head, len);
	a->bytes.len = len;
	a->verdict = (int32_t)verdict;
	a->token = s->value.token;
	a->left_ms = left_ms;
	a->code = s->code;
	return 0;
}
