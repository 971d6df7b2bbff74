/* SPDX-License-Identifier: MIT */
/* The scripts *.lua of this folder, as the server runs them. */
#ifndef REDIS_SCRIPT_H
#define REDIS_SCRIPT_H

#include "redis/pool.h"

struct script {
	const char *sha1; /* its name for a server that has run it before */
	const char *text;
	size_t len;
};

/* The build makes these from the files. */
extern const struct script script_acquire, script_publish, script_renew,
	script_release, script_invalidate;

/* Words of a command. */
struct words {
	const char *at[16];
	size_t len[16];
	int count;
};

void words_add(struct words *w, const void *at, size_t len);
void words_add_text(struct words *w, const char *text);

/*
 * Runs a script with `keys` keys, which come first in `args`. If a connection
 * that has served before turns out to be broken, sends the script once more,
 * over a new connection.
 * Returns 0 with an array in *reply; -EREMOTE, the server refuses only this
 * key; -EMSGSIZE, it takes no argument so long; -EIO, it refuses the service;
 * or an error as pool_take() and conn_call().
 */
int script_run(struct pool *p, const struct script *s, int keys,
	       const struct words *args, uint64_t deadline, redisReply **reply);

/* Makes one command in the same way. The reply may be anything but an error. */
int command_run(struct pool *p, struct words *command, uint64_t deadline,
		redisReply **reply);

#endif
