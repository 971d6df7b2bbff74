/* SPDX-License-Identifier: MIT */
#include "redis/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct place {
	char host[256];
	char port[16];
};

/*
 * Whether the reply is a string that fits and is not empty: for an empty host
 * OpenSSL would check no name.
 */
static bool is_text(const redisReply *r, size_t most)
{
	return r->type == REDIS_REPLY_STRING && r->len < most && r->str[0];
}

/* Reads a sentinel's answer. False: it does not know the primary. */
static bool read_place(const redisReply *r, struct place *p)
{
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    !is_text(r->element[0], sizeof(p->host)) ||
	    !is_text(r->element[1], sizeof(p->port)))
		return false;
	strcpy(p->host, r->element[0]->str);
	strcpy(p->port, r->element[1]->str);
	return true;
}

/* Asks one sentinel where the primary is. */
static int ask(const struct url *u, unsigned int i, uint64_t deadline,
	       struct place *p)
{
	const char *auth[] = { "AUTH", u->sentinel_password };
	const char *where[] = { "SENTINEL", "get-master-addr-by-name",
				u->master };
	struct conn c = { .fd = -1 };
	redisReply *reply;
	int r = conn_dial(&c, u, u->sentinel[i].host, u->sentinel[i].port,
			  deadline);

	if (r)
		return r;
	if (u->sentinel_password)
		r = conn_greet(&c, 2, auth, deadline);
	if (!r)
		r = conn_call(&c, 3, where, NULL, deadline, &reply);
	if (!r) {
		r = read_place(reply, p) ? 0 : -EHOSTUNREACH;
		freeReplyObject(reply);
	}
	conn_close(&c);
	return r;
}

/* A sentinel may not have noticed yet that the server is no primary. */
static int check_role(struct conn *c, uint64_t deadline)
{
	const char *role[] = { "ROLE" };
	redisReply *reply;
	int r = conn_call(c, 1, role, NULL, deadline, &reply);

	if (r)
		return r;
	if (reply->type != REDIS_REPLY_ARRAY || !reply->elements ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    strcmp(reply->element[0]->str, "master") != 0)
		r = -EHOSTUNREACH;
	freeReplyObject(reply);
	return r;
}

static int dial_at(struct conn *c, const struct url *u, const char *host,
		   const char *port, uint64_t deadline)
{
	int r = conn_dial(c, u, host, port, deadline);

	return r ? r : conn_log_in(c, u, deadline);
}

/* Returns the time at which the first of `parts` parts of the rest ends. */
static uint64_t end_of_part(uint64_t deadline, unsigned int parts)
{
	uint64_t now = clock_ns();

	return now < deadline ? now + (deadline - now) / parts : deadline;
}

static int dial_place(struct conn *c, const struct url *u,
		      const struct place *p, uint64_t deadline)
{
	int r = dial_at(c, u, p->host, p->port, deadline);

	if (r)
		return r;
	r = check_role(c, deadline);
	if (r)
		conn_close(c);
	return r;
}

/*
 * Asks one sentinel after another, until one names a server that is the
 * primary. A sentinel that does not answer uses up its own share of the time,
 * and leaves the others theirs. A server that does not answer may have an old
 * address: it uses up half of the time that is left, or all of it if no
 * sentinel is left to ask.
 */
static int dial_primary(struct conn *c, const struct url *u, uint64_t deadline)
{
	int r = -EHOSTUNREACH;

	for (unsigned int i = 0; i < u->sentinels && r; i++) {
		unsigned int others = u->sentinels - i - 1;
		struct place p;

		if (clock_ns() >= deadline)
			return -ETIMEDOUT;
		r = ask(u, i, end_of_part(deadline, others + 2), &p);
		if (!r)
			r = dial_place(c, u, &p,
				       end_of_part(deadline, others ? 2 : 1));
	}
	return r;
}

int dial(struct conn *c, const struct url *u, uint64_t deadline)
{
	if (u->master)
		return dial_primary(c, u, deadline);
	return dial_at(c, u, u->host, u->port, deadline);
}
