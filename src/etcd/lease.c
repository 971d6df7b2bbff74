/* SPDX-License-Identifier: MIT */
/* Getting a lease, and keeping it. */
#include <errno.h>

#include "etcd/etcd.h"

/* etcd makes shorter leases about so long. */
#define LEAST_LEASE_MS 2000

/* Asks etcd about a lease. Sets *ttl to its rest, in s (0: it has run out), and
   *granted to its whole time. */
static int ask_rest(struct etcd_task *c, uint64_t lease, uint64_t *ttl,
		    uint64_t *granted)
{
	struct text body = { 0 };
	json_t *reply;
	int r;

	etcd_text_add(&body, "{\"ID\":\"%llu\"}", (unsigned long long)lease);
	r = etcd_call(&c->engine->pool, "/v3/lease/timetolive", &body,
		      c->request->deadline_ns, &reply);
	etcd_text_free(&body);
	if (r)
		return r;
	*ttl = etcd_call_number(reply, "TTL");
	*granted = etcd_call_number(reply, "grantedTTL");
	json_decref(reply);
	return 0;
}

/*
 * The lifetime that is left of the result, by the etcd lease that the result
 * ends with. etcd says that lease's rest in whole seconds, rounded down, so the
 * result counts as up to a second older than it is.
 */
static int rest_of_value(struct etcd_task *c, uint64_t *left)
{
	const struct records *s = &c->seen;
	uint64_t ttl, granted, age;
	int r;

	*left = s->ttl_ms;
	if (!s->ttl_ms || s->ttl_ms == SFSHM_FOREVER)
		return 0;
	r = ask_rest(c, s->value.lease, &ttl, &granted);
	if (r == -ENOENT)
		ttl = granted = 0;
	else if (r)
		return r;
	age = ttl && granted >= ttl ? (granted - ttl) * 1000 : SFSHM_FOREVER;
	*left = age < s->ttl_ms ? s->ttl_ms - age : 0;
	return 0;
}

/* Asks for the lease by a transaction, whose number makes the token: TOKEN-1.
   Returns as etcd_try(). */
static int take(struct etcd_task *c, struct sfshm_fleet_answer *a)
{
	bool had = etcd_is_holder(c);
	struct text text = { 0 };
	struct txn t = { 0 };
	uint64_t base;
	int r = etcd_grant(c, c->request->lease_ms);

	if (!r)
		r = etcd_raise_base(c, &t, &base);
	if (!r) {
		etcd_lease_text(c->request, '+', base, &text);
		etcd_txn_put(&t, c->names.at[NAME_LEASE], text.at, text.len,
			     c->grant);
		t.acts.failed |= text.failed;
	}
	etcd_text_free(&text);
	if (r) {
		etcd_txn_free(&t);
		return r;
	}
	r = etcd_try(c, &t);
	if (r != 1)
		return r;
	__atomic_store_n(&c->engine->base, base, __ATOMIC_RELAXED);
	c->grant = 0;
	a->verdict = had ? SFSHM_FLEET_INHERITED : SFSHM_FLEET_LED;
	a->token = base + c->seen.revision;
	return a->token > c->request->token ? 1 : -EPROTO;
}

/* Decides by c->seen. Returns 1: the answer is ready; 0: decide again; or an
   error. */
static int decide(struct etcd_task *c, struct sfshm_fleet_answer *a)
{
	const struct records *s = &c->seen;
	uint64_t left;
	int r;

	if (s->value.mod && s->value.token > c->request->newer_than) {
		r = rest_of_value(c, &left);
		if (!r && left)
			r = etcd_take_value(a, s, SFSHM_FLEET_HIT, left);
		if (r || left)
			return r ? r : 1;
	}
	if (s->lease.mod && !etcd_is_holder(c)) {
		a->verdict = SFSHM_FLEET_HELD;
		a->token = s->lease.token;
		a->left_ms = s->lease_ms < LEAST_LEASE_MS ? LEAST_LEASE_MS :
							    s->lease_ms;
		return 1;
	}
	return take(c, a);
}

int etcd_acquire(void *engine, const struct sfshm_fleet_request *q,
		 struct sfshm_fleet_answer *a)
{
	struct etcd_task c;
	int r = etcd_begin(&c, engine, q);

	if (r)
		return r;
	a->bytes.len = 0;
	r = etcd_look(&c);
	while (!r)
		r = decide(&c, a);
	etcd_give_back_grant(&c);
	etcd_end(&c);
	return r < 0 ? r : 0;
}

/* Lets the etcd lease of the seen record last as long again. Sets *there to
   whether etcd still had it. */
static int keep_alive(struct etcd_task *c, bool *there)
{
	struct text body = { 0 };
	json_t *reply;
	int r;

	etcd_text_add(&body, "{\"ID\":\"%llu\"}",
		      (unsigned long long)c->seen.lease.lease);
	r = etcd_call(&c->engine->pool, "/v3/lease/keepalive", &body,
		      c->request->deadline_ns, &reply);
	etcd_text_free(&body);
	*there = false;
	if (r)
		return r == -ENOENT ? 0 : r;
	*there = etcd_call_number(json_object_get(reply, "result"), "TTL") > 0;
	json_decref(reply);
	return 0;
}

/* Writes the lease anew with the token that it had: TOKEN-3. */
static int reclaim(struct etcd_task *c)
{
	struct text text = { 0 };
	struct txn t = { 0 };
	int r = etcd_grant(c, c->request->lease_ms);

	if (r)
		return r;
	etcd_lease_text(c->request, '=', c->request->token, &text);
	etcd_txn_compare_all(&t, &c->names, &c->seen);
	etcd_txn_put(&t, c->names.at[NAME_LEASE], text.at, text.len, c->grant);
	t.acts.failed |= text.failed;
	etcd_text_free(&text);
	r = etcd_try(c, &t);
	if (r == 1)
		c->grant = 0;
	return r;
}

/* As decide(). */
static int decide_renewal(struct etcd_task *c, struct sfshm_fleet_answer *a)
{
	bool mine = etcd_is_mine(c), there = false;
	int r;

	if (mine) {
		r = keep_alive(c, &there);
		if (r)
			return r;
	}
	a->verdict = there ? SFSHM_FLEET_OK : SFSHM_FLEET_FENCED;
	/* etcd is about to remove a record whose etcd lease has run out. */
	if (there || !(mine ? c->request->alive : etcd_may_reclaim(c)))
		return 1;
	a->verdict = SFSHM_FLEET_RECLAIMED;
	return reclaim(c);
}

int etcd_renew(void *engine, const struct sfshm_fleet_request *q,
	       struct sfshm_fleet_answer *a)
{
	struct etcd_task c;
	int r = etcd_begin(&c, engine, q);

	if (r)
		return r;
	r = etcd_look(&c);
	while (!r)
		r = decide_renewal(&c, a);
	etcd_give_back_grant(&c);
	etcd_end(&c);
	return r < 0 ? r : 0;
}
