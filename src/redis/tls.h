/* SPDX-License-Identifier: MIT */
/*
 * TLS for one connection, by OpenSSL. Works in memory: the caller moves the
 * sealed bytes, so that its deadlines and its flags for send(2) hold, and a
 * forked child closes the descriptor only.
 */
#ifndef REDIS_TLS_H
#define REDIS_TLS_H

#include <stddef.h>
#include <sys/types.h>

/* The context that all connections to one server share. */
struct tls_context;

struct tls;

/* Files in PEM, which are not encrypted; NULL: the system's authorities, or no
   certificate. */
struct tls_files {
	const char *ca;
	const char *cert;
	const char *key; /* NULL: in `cert` */
};

/*
 * Reads the files. Returns 0; -EINVAL, OpenSSL refuses a file; -EOPNOTSUPP, the
 * library was built without OpenSSL; or -ENOMEM. On failure `why` has a line.
 */
int tls_context_make(struct tls_context **out, const struct tls_files *files,
		     char *why, size_t why_size);
void tls_context_free(struct tls_context *context);

/* Begins a connection to `host`, which the server's certificate must name.
   NULL: there is no memory. */
struct tls *tls_new(struct tls_context *context, const char *host);
void tls_free(struct tls *t);

/*
 * Goes on with the handshake. Returns 0, it is complete; -EAGAIN, it needs
 * bytes from the server; or -EACCES, one side refuses the other. In all cases
 * there may be bytes to send.
 */
int tls_shake_hands(struct tls *t);

/* Seals bytes, for tls_outgoing(). Returns 0 or -EPROTO. */
int tls_write(struct tls *t, const char *from, size_t len);

/* Returns the sealed bytes that are to be sent; tls_sent() drops them. */
size_t tls_outgoing(struct tls *t, const char **bytes);
void tls_sent(struct tls *t);

/* Takes sealed bytes from the server. Returns 0 or -ENOMEM. */
int tls_incoming(struct tls *t, const char *from, size_t len);

/* Opens bytes. Returns their number; -EAGAIN, more must come first;
   -ECONNRESET, the server has ended the connection; or -EPROTO. */
ssize_t tls_read(struct tls *t, char *to, size_t size);

#endif
