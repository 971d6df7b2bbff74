/* SPDX-License-Identifier: MIT */
/*
 * One connection to a member of a cluster, for one request at a time. libcurl
 * speaks HTTP; the sockets are watched here, so that each wait has a deadline
 * (CLOCK_MONOTONIC, ns) and a signal's handler ends it.
 */
#ifndef ETCD_CONN_H
#define ETCD_CONN_H

#include <curl/curl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "etcd/text.h"
#include "etcd/url.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* The most sockets that libcurl has open for one connection: it may try
   several addresses at a time. */
#define CONN_SOCKETS 8

struct conn {
	CURLM *multi; /* NULL: nothing has been allocated yet */
	CURL *easy;
	struct curl_slist *headers;
	bool added; /* a request is under way, or its reply is here */
	bool done;  /* the reply is whole, or there is an error */
	CURLcode result;
	struct text reply;
	uint64_t timer; /* ns: when libcurl wants to be called; 0: never */
	struct pollfd polled[CONN_SOCKETS];
	nfds_t polls;
	int fds[CONN_SOCKETS]; /* open, for a forked child; -1: none */
	bool seals;            /* the connection uses TLS */
	uint64_t used;         /* ns: when it was last given back */
	bool busy;             /* guarded by the pool's lock, as `used` */
};

/* CLOCK_MONOTONIC, ns. */
uint64_t etcd_clock_ns(void);

void etcd_conn_init(struct conn *c);

/*
 * Sends a POST request to the path of a member; etcd_conn_end() must follow.
 * `token` is of the log-in, or NULL. The body must stay until then. Returns 0
 * or -ENOMEM; other errors come with etcd_conn_receive().
 */
int etcd_conn_begin(struct conn *c, const struct url *u, unsigned int member,
		    const char *path, const char *token,
		    const struct text *body);

/*
 * Waits until the reply is whole, or, if `stream` is true, until c->reply has a
 * line. Returns 0; -ETIMEDOUT or -EINTR (a signal), and the call may be
 * repeated; -ECONNRESET, -EACCES (TLS is refused), -EPROTO (no end) or -ENOMEM.
 */
int etcd_conn_receive(struct conn *c, bool stream, uint64_t deadline);

/* The status of the reply, as HTTP has it. */
long etcd_conn_status(const struct conn *c);

/* Ends a request. Closes the connection if the reply is not whole. */
void etcd_conn_end(struct conn *c);

void etcd_conn_close(struct conn *c);

/* In a forked child: closes the parent's descriptors and sends nothing. */
void etcd_conn_abandon(struct conn *c);

#endif
