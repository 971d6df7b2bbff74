/* SPDX-License-Identifier: MIT */
/* URLs of Redis servers, as <sfshm/fleet-redis.h> describes them. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stddef.h>

struct url {
	char *path; /* of a Unix socket; or NULL */
	char *host;
	char *port;
	char *user;     /* or NULL */
	char *password; /* or NULL */
	char *ns;
	unsigned int db;
};

/*
 * Reads a URL, and the password's file if there is one. Returns 0; or -EINVAL
 * or the error of reading the file, with a line in `why`. url_free() also frees
 * what a failure has left.
 */
int url_parse(struct url *u, const char *text, char *why, size_t why_size);

void url_free(struct url *u);

#endif
