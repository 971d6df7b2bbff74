/* SPDX-License-Identifier: MIT */
/* URLs of etcd clusters, as <sfshm/fleet-etcd.h> describes them. */
#ifndef ETCD_URL_H
#define ETCD_URL_H

#include <stdbool.h>
#include <stddef.h>

/* The most members of a cluster that a URL names. */
#define URL_MEMBERS 16

struct url {
	char *user;     /* or NULL */
	char *password; /* or NULL */
	char *ns;
	/* files of TLS, or NULL */
	char *ca;
	char *cert;
	char *key;
	bool tls;
	unsigned int members;
	/* http[s]://HOST:PORT */
	char *member[URL_MEMBERS];
};

/*
 * Reads a URL, and the password's file if the URL names one. Returns 0; or
 * -EINVAL, -ENOMEM or the error of reading a file, with a line in `why`.
 * etcd_url_free() also frees what a failure has left.
 */
int etcd_url_parse(struct url *u, const char *text, char *why, size_t why_size);

void etcd_url_free(struct url *u);

#endif
