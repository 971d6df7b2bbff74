/* SPDX-License-Identifier: MIT */
/* Requests to a cluster: a call of etcd's gateway is a POST with JSON. */
#ifndef ETCD_CALL_H
#define ETCD_CALL_H

#include <jansson.h>

#include "etcd/pool.h"

/*
 * Makes a call, after a log-in if the URL has a user. If a member cannot be
 * reached, gives no answer, cannot serve, or is refused by TLS or refuses the
 * log-in, asks the next one. Each member but the last has half of the time that
 * is left. So a call may take effect twice. Returns 0 with the reply, which the
 * caller frees by json_decref(); or
 *
 *	-ENOENT      the call names an etcd lease that has run out
 *	-EREMOTE     the user may not use this key
 *	-EMSGSIZE    the request is too large for this cluster
 *	-EACCES      the log-in or TLS is refused
 *	-ETIMEDOUT, -ECONNRESET, -EHOSTUNREACH, -EPROTO, -ENOMEM
 */
int etcd_call(struct pool *p, const char *path, const struct text *body,
	      uint64_t deadline, json_t **reply);

/* The number of a reply's field, which JSON has as a string; 0: none. */
uint64_t etcd_call_number(const json_t *object, const char *field);

#endif
