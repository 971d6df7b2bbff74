/* SPDX-License-Identifier: MIT */
/*
 * Opening a connection to the server that a URL names: at its own address, or
 * at the one where its sentinels say that the primary is.
 *
 * The sentinels are asked for each new connection. After a failover the old
 * primary closes its connections, or refuses a write (READONLY), and then the
 * pool uses none of them again.
 */
#ifndef REDIS_DIAL_H
#define REDIS_DIAL_H

#include "redis/conn.h"

/*
 * Connects, logs in and selects the database. Returns 0 or a negated errno
 * value; -EACCES: the server refuses TLS, the log-in or the database;
 * -EHOSTUNREACH: no sentinel answers, knows the primary, or names a server that
 * is one.
 */
int dial(struct conn *c, const struct url *u, uint64_t deadline);

#endif
