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

/* Makes the command, over an idle connection or a new one. */
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
	pool_give(p, c, false, r != 0);
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

static bool says(const redisReply *reply, const char *error)
{
	return reply->type == REDIS_REPLY_ERROR &&
	       !strncmp(reply->str, error, strlen(error));
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
	if (!r && says(*reply, "NOSCRIPT")) {
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
