/* SPDX-License-Identifier: MIT */
#include "redis/script.h"

#include <errno.h>
#include <string.h>

void words_add(struct words *w, const void *at, size_t len)
{
	w->at[w->count] = at;
	w->len[w->count++] = len;
}

void words_add_text(struct words *w, const char *text)
{
	words_add(w, text, strlen(text));
}

static bool says(const redisReply *reply, const char *error)
{
	return !strncmp(reply->str, error, strlen(error));
}

/*
 * Tells what a server's error means; docs/fleet.md has a table for operators. A
 * server before Redis 7 puts the error of a script's command behind its own.
 */
static int refusal(const redisReply *reply)
{
	static const char *const of_one_key[] = {
		"WRONGTYPE ",
		"MOVED ",
		"ASK ",
		"TRYAGAIN ",
		"CLUSTERDOWN Hash slot",
	};

	for (size_t i = 0; i < sizeof(of_one_key) / sizeof(*of_one_key); i++)
		if (says(reply, of_one_key[i]))
			return -EREMOTE;
	if (says(reply, "ERR Error running script") &&
	    strstr(reply->str, " WRONGTYPE "))
		return -EREMOTE;
	/* NOPERM without " access " forbids the command, whatever the key. */
	if (says(reply, "NOPERM ") && strstr(reply->str, " access "))
		return -EREMOTE;
	if (says(reply, "ERR Protocol error: invalid bulk length"))
		return -EMSGSIZE;
	return -EIO;
}

/*
 * Makes the command, over an idle connection or a new one. If the server as a
 * whole refuses its service, another server may have its address by now, so no
 * connection is used again.
 */
static int call(struct pool *p, struct words *command, bool anew,
		uint64_t deadline, bool *reused, redisReply **reply)
{
	struct conn *c;
	int r = pool_take(p, anew, false, deadline, &c);

	*reused = false;
	if (r)
		return r;
	*reused = !c->fresh;
	r = conn_call(c, command->count, command->at, command->len, deadline,
		      reply);
	if (!r && (*reply)->type == REDIS_REPLY_ERROR &&
	    !says(*reply, "NOSCRIPT")) {
		r = refusal(*reply);
		freeReplyObject(*reply);
		*reply = NULL;
	}
	if (r == -EIO)
		pool_forget(p);
	pool_give(p, c, false, r && r != -EREMOTE);
	return r;
}

static int call_surely(struct pool *p, struct words *command, uint64_t deadline,
		       redisReply **reply)
{
	bool reused;
	int r = call(p, command, false, deadline, &reused, reply);

	/* All commands here may be repeated. */
	if (r == -ECONNRESET && reused)
		r = call(p, command, true, deadline, &reused, reply);
	return r;
}

int command_run(struct pool *p, struct words *command, uint64_t deadline,
		redisReply **reply)
{
	int r = call_surely(p, command, deadline, reply);

	if (!r && (*reply)->type == REDIS_REPLY_ERROR) {
		freeReplyObject(*reply);
		*reply = NULL;
		r = -EIO;
	}
	return r;
}

int script_run(struct pool *p, const struct script *s, int keys,
	       const struct words *args, uint64_t deadline, redisReply **reply)
{
	const char count[] = { (char)('0' + keys), '\0' };
	struct words command = { .count = 0 };
	int r;

	words_add_text(&command, "EVALSHA");
	words_add_text(&command, s->sha1);
	words_add_text(&command, count);
	for (int i = 0; i < args->count; i++)
		words_add(&command, args->at[i], args->len[i]);
	r = call_surely(p, &command, deadline, reply);
	if (!r && (*reply)->type == REDIS_REPLY_ERROR) {
		freeReplyObject(*reply);
		command.at[0] = "EVAL";
		command.len[0] = 4;
		command.at[1] = s->text;
		command.len[1] = s->len;
		r = call_surely(p, &command, deadline, reply);
	}
	if (!r && ((*reply)->type != REDIS_REPLY_ARRAY || !(*reply)->elements ||
		   (*reply)->element[0]->type != REDIS_REPLY_STRING)) {
		freeReplyObject(*reply);
		*reply = NULL;
		r = -EIO;
	}
	return r;
}
