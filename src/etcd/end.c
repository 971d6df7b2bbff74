/* SPDX-License-Identifier: MIT */
/* Ending a lease: with a result, without one, or by an invalidation. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "etcd/etcd.h"

/* A result stays for those who have lost their watch. */
#define LEAST_STAY_MS 10000

/* The record of the result: its line, and its bytes. */
static int write_value(const struct sfshm_fleet_request *q, struct text *text)
{
	size_t len = 0;

	for (int i = 0; i < q->count; i++)
		len += q->iov[i].iov_len;
	if (len > ETCD_BYTES_MAX)
		return -EMSGSIZE;
	etcd_text_add(text, "%llu %u %d\n", (unsigned long long)q->token,
		      q->ttl_ms, q->code);
	for (int i = 0; i < q->count; i++)
		etcd_text_add_bytes(text, q->iov[i].iov_base,
				    q->iov[i].iov_len);
	return text->failed ? -ENOMEM : 0;
}

/* How long a result's record stays, ms; 0: for ever. Its token outlives each
   lease that was given out before it. */
static uint64_t stay_of(const struct sfshm_fleet_request *q)
{
	uint64_t ms = 2 * (uint64_t)q->lease_ms;

	if (q->ttl_ms == SFSHM_FOREVER)
		return 0;
	ms = ms < q->ttl_ms ? q->ttl_ms : ms;
	return ms < LEAST_STAY_MS ? LEAST_STAY_MS : ms;
}

static int compare_guess(const struct etcd_task *c, struct txn *t)
{
	const char *name = c->names.at[NAME_LEASE];
	uint64_t base = __atomic_load_n(&c->engine->base, __ATOMIC_RELAXED);
	struct text text = { 0 };

	if (c->request->token <= base)
		return -EAGAIN;
	etcd_lease_text(c->request, '+', base, &text);
	etcd_txn_compare_mod(t, name, c->request->token - base);
	if (text.failed)
		t->compares.failed = true;
	else
		etcd_txn_compare_text(t, name, text.at);
	etcd_text_free(&text);
	return 0;
}

/* What an end writes in the transaction that ends the lease. */
typedef int (*act_fn)(struct etcd_task *c, struct txn *t,
		      const struct text *value);

static int put_value(struct etcd_task *c, struct txn *t,
		     const struct text *value)
{
	uint64_t stay = stay_of(c->request);
	int r = stay ? etcd_grant(c, stay) : 0;

	if (r)
		return r;
	etcd_txn_note_lease(t, c->names.at[NAME_VALUE]);
	etcd_txn_put(t, c->names.at[NAME_VALUE], value->at, value->len,
		     stay ? c->grant : 0);
	return 0;
}

static int put_fence(struct etcd_task *c, struct txn *t,
		     const struct text *unused)
{
	char text[32];
	int r = etcd_grant(c, 2 * (uint64_t)c->request->lease_ms);

	(void)unused;
	snprintf(text, sizeof(text), "=%llu",
		 (unsigned long long)c->request->token);
	if (!r)
		etcd_txn_put(t, c->names.at[NAME_FENCE], text, strlen(text),
			     c->grant);
	return r;
}

/* Adds the acts, makes the transaction and frees it. Returns as etcd_try(). */
static int act(struct etcd_task *c, struct txn *t, act_fn add,
	       const struct text *value)
{
	int r = add(c, t, value);

	etcd_txn_delete(t, c->names.at[NAME_LEASE]);
	if (r) {
		etcd_txn_free(t);
		return r;
	}
	r = etcd_try(c, t);
	if (r == 1)
		c->grant = c->seen.freed;
	return r;
}

/*
 * Ends the lease if it is the request's. The first transaction guesses how the
 * lease stands in etcd; that is right unless something has happened to the
 * lease or to the base. Returns 1: it is ended; 0: it is not the request's, by
 * c->seen; or an error.
 */
static int end_mine(struct etcd_task *c, act_fn add, const struct text *value)
{
	struct txn t = { 0 };
	int r = compare_guess(c, &t);

	r = r ? etcd_look(c) : act(c, &t, add, value);
	while (!r && etcd_is_mine(c)) {
		t = (struct txn){ 0 };
		etcd_txn_compare_all(&t, &c->names, &c->seen);
		r = act(c, &t, add, value);
	}
	return r;
}

static int publish(struct etcd_task *c, const struct text *value,
		   struct sfshm_fleet_answer *a)
{
	struct txn t;
	int r;

	a->verdict = SFSHM_FLEET_OK;
	do {
		r = end_mine(c, put_value, value);
		/* The same token: the request is repeated, because its first
		   answer was lost. */
		if (r || c->seen.value.token == c->request->token)
			return r;
		if (!etcd_may_reclaim(c)) {
			a->verdict = SFSHM_FLEET_FENCED;
			return 0;
		}
		t = (struct txn){ 0 };
		etcd_txn_compare_all(&t, &c->names, &c->seen);
		r = act(c, &t, put_value, value);
	} while (!r);
	return r;
}

int etcd_publish(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a)
{
	struct text value = { 0 };
	struct etcd_task c;
	int r = write_value(q, &value);

	if (!r)
		r = etcd_begin(&c, engine, q);
	if (!r) {
		r = publish(&c, &value, a);
		etcd_give_back_grant(&c);
		etcd_end(&c);
	}
	etcd_text_free(&value);
	return r < 0 ? r : 0;
}

int etcd_release(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a)
{
	struct etcd_task c;
	int r = etcd_begin(&c, engine, q);

	if (r)
		return r;
	r = end_mine(&c, put_fence, NULL);
	a->verdict = r ? SFSHM_FLEET_OK : SFSHM_FLEET_FENCED;
	etcd_give_back_grant(&c);
	etcd_end(&c);
	return r < 0 ? r : 0;
}

/* Returns as etcd_try(). */
static int invalidate(struct etcd_task *c, struct sfshm_fleet_answer *a)
{
	struct txn t = { 0 };
	uint64_t base;
	char text[32];
	int r = etcd_grant(c, 2 * (uint64_t)c->request->lease_ms);

	if (!r)
		r = etcd_raise_base(c, &t, &base);
	if (r) {
		etcd_txn_free(&t);
		return r;
	}
	snprintf(text, sizeof(text), "+%llu", (unsigned long long)base);
	etcd_txn_put(&t, c->names.at[NAME_FENCE], text, strlen(text), c->grant);
	etcd_txn_delete(&t, c->names.at[NAME_LEASE]);
	etcd_txn_note_lease(&t, c->names.at[NAME_VALUE]);
	etcd_txn_delete(&t, c->names.at[NAME_VALUE]);
	r = etcd_try(c, &t);
	if (r != 1)
		return r;
	c->grant = c->seen.freed;
	a->verdict = SFSHM_FLEET_OK;
	a->token = base + c->seen.revision;
	return 1;
}

int etcd_invalidate(void *engine, const struct sfshm_fleet_request *q,
		    struct sfshm_fleet_answer *a)
{
	struct etcd_task c;
	int r = etcd_begin(&c, engine, q);

	if (r)
		return r;
	r = etcd_look(&c);
	while (!r)
		r = invalidate(&c, a);
	etcd_give_back_grant(&c);
	etcd_end(&c);
	return r < 0 ? r : 0;
}
