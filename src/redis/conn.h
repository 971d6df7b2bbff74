/* SPDX-License-Identifier: MIT */
/*
 * One connection to a server. hiredis formats commands and reads replies; the
 * socket is ours, so that each wait on it has a deadline (CLOCK_MONOTONIC, ns).
 */
#ifndef REDIS_CONN_H
#define REDIS_CONN_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "redis/url.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

struct tls;

struct conn {
	int fd;          /* -1: none */
	struct tls *tls; /* NULL: the bytes are not sealed */
	redisReader *reader;
	uint64_t used; /* ns: when it was last given back */
	bool busy;     /* guarded by the pool's lock, as `used` */
	bool fresh;    /* no command has been answered yet */
	uint32_t era;  /* the pool's when it was opened */
};

/* CLOCK_MONOTONIC, ns. */
uint64_t clock_ns(void);

/*
 * Connects to the host, or, if that is NULL, to the URL's Unix socket, and
 * begins TLS if the URL says so. Returns 0 or a negated errno value; -EACCES:
 * TLS is refused. A failure closes the connection.
 */
int conn_dial(struct conn *c, const struct url *u, const char *host,
	      const char *port, uint64_t deadline);

/*
 * Logs in and selects the database. Returns as conn_dial(); -EACCES: the server
 * refuses the log-in or the database.
 */
int conn_log_in(struct conn *c, const struct url *u, uint64_t deadline);

/* Makes one of the first commands. -EACCES: the server refuses it. */
int conn_greet(struct conn *c, int argc, const char **argv, uint64_t deadline);

void conn_close(struct conn *c);

/* Whether the server has closed an idle connection, or has sent too much. */
bool conn_is_stale(const struct conn *c);

/* Sends a command. */
int conn_send(struct conn *c, int argc, const char **argv, const size_t *lens,
	      uint64_t deadline);

/*
 * Waits for the next reply until the deadline. Returns 0 with the reply, which
 * the caller frees by freeReplyObject(); -ETIMEDOUT or -EINTR (a signal), after
 * which the reply may still come; -ECONNRESET, -EPROTO or -ENOMEM.
 */
int conn_receive(struct conn *c, uint64_t deadline, redisReply **reply);

/* Sends a command and waits for its reply. Returns as conn_receive() does. */
int conn_call(struct conn *c, int argc, const char **argv, const size_t *lens,
	      uint64_t deadline, redisReply **reply);

#endif
