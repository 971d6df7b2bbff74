/* SPDX-License-Identifier: MIT */
/* The build takes this file in place of tls.c if OpenSSL is missing. It makes
   no context, so the other functions have nothing to do. */
#include "redis/tls.h"

#include <errno.h>
#include <stdio.h>

int tls_context_make(struct tls_context **out, const struct tls_files *files,
		     char *why, size_t why_size)
{
	(void)files;
	*out = NULL;
	snprintf(why, why_size,
		 "this libsfshm-redis was built without OpenSSL");
	return -EOPNOTSUPP;
}

void tls_context_free(struct tls_context *context)
{
	(void)context;
}

struct tls *tls_new(struct tls_context *context, const char *host)
{
	(void)context;
	(void)host;
	return NULL;
}

void tls_free(struct tls *t)
{
	(void)t;
}

int tls_shake_hands(struct tls *t)
{
	(void)t;
	return -EACCES;
}

int tls_write(struct tls *t, const char *from, size_t len)
{
	(void)t;
	(void)from;
	(void)len;
	return -EPROTO;
}

size_t tls_outgoing(struct tls *t, const char **bytes)
{
	(void)t;
	*bytes = NULL;
	return 0;
}

void tls_sent(struct tls *t)
{
	(void)t;
}

int tls_incoming(struct tls *t, const char *from, size_t len)
{
	(void)t;
	(void)from;
	(void)len;
	return -ENOMEM;
}

ssize_t tls_read(struct tls *t, char *to, size_t size)
{
	(void)t;
	(void)to;
	(void)size;
	return -EPROTO;
}
