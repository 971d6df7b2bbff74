/* SPDX-License-Identifier: MIT */
/* Reading answers from the server's replies. */
#ifndef REDIS_ANSWER_H
#define REDIS_ANSWER_H

#include <hiredis/hiredis.h>
#include <sfshm/fleet-ops.h>

/* Copies bytes to the answer: 0 or -ENOMEM. */
int answer_take(struct sfshm_fleet_answer *a, const void *bytes, size_t len);

/*
 * Reads a script's reply. Returns 0; 1, the bytes of the result are in a key of
 * their own; -EPROTO or -ENOMEM.
 */
int answer_read(struct sfshm_fleet_answer *a, const redisReply *reply);

/* Does the same for XREAD. A reply without an entry counts as a release. */
int answer_read_stream(struct sfshm_fleet_answer *a, const redisReply *reply);

#endif
