/* SPDX-License-Identifier: MIT */
/* Redis over a Unix socket; "SET NX PX" makes the lock. */
#include <errno.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "backend.h"

#define LOCK_MS 30000 /* a lock whose holder died is gone after that */

static redisContext *server;

void backend_open(const char *at)
{
	server = redisConnectUnix(at);
	if (!server || server->err)
		backend_die(at);
}

static redisReply *need(redisReply *reply)
{
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		backend_die("Redis");
	return reply;
}

long backend_get(const char *key, void *data, size_t room)
{
	redisReply *reply = need(redisCommand(server, "GET %s", key));
	long len = -1;

	if (reply->type == REDIS_REPLY_STRING && reply->len <= room) {
		memcpy(data, reply->str, reply->len);
		len = (long)reply->len;
	}
	freeReplyObject(reply);
	return len;
}

void backend_put(const char *key, const void *data, size_t len, uint32_t ttl_ms)
{
	freeReplyObject(need(redisCommand(server, "SET %s %b PX %u", key, data,
					  len, ttl_ms)));
}

bool backend_lock(const char *key)
{
	redisReply *reply = need(
		redisCommand(server, "SET lock.%s 1 NX PX %d", key, LOCK_MS));
	bool ours = reply->type == REDIS_REPLY_STATUS;

	freeReplyObject(reply);
	return ours;
}

void backend_unlock(const char *key)
{
	freeReplyObject(need(redisCommand(server, "DEL lock.%s", key)));
}
