/* SPDX-License-Identifier: MIT */
/* URLs of Redis servers, as <sfshm/fleet-redis.h> describes them. */
#ifndef REDIS_URL_H
#define REDIS_URL_H

#include <stddef.h>

struct tls_context;

/* The most sentinels that a URL names. */
#define URL_SENTINELS 16

struct url {
	char *path; /* of a Unix socket; or NULL */
	char *host; /* with `master`: NULL */
	char *port;
	char *user;     /* or NULL */
	char *password; /* or NULL */
	char *ns;
	unsigned int db;
	/* The primary's name among its sentinels; NULL: there are none. */
	char *master;
	char *sentinel_password; /* or NULL */
	unsigned int sentinels;
	struct {
		char *host;
		char *port;
	} sentinel[URL_SENTINELS];
	/* files of TLS, or NULL */
	char *ca;
	char *cert;
	char *key;
	struct tls_context *tls; /* NULL: no TLS */
};

/*
 * Reads a URL and the files that it names. Returns 0; or -EINVAL, -EOPNOTSUPP
 * or the error of reading a file, with a line in `why`. url_free() also frees
 * what a failure has left.
 */
int url_parse(struct url *u, const char *text, char *why, size_t why_size);

void url_free(struct url *u);

#endif
