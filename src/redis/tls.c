/* SPDX-License-Identifier: MIT */
#include "redis/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_context {
	SSL_CTX *ctx;
	bool asks; /* for the password of a key */
};

struct tls {
	SSL *ssl;
	BIO *in, *out; /* sealed bytes; `ssl` owns both */
};

/* Writes a line about the last error. Returns -EINVAL. */
static int refuse(const struct tls_context *c, const char *what,
		  const char *path, char *why, size_t why_size)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	if (c->asks)
		reason = "it is encrypted";
	snprintf(why, why_size, "%s %s: %s", what, path,
		 reason ? reason : "OpenSSL refuses it");
	return -EINVAL;
}

/* Without this, OpenSSL asks at the terminal or reads standard input. */
static int know_no_password(char *to, int size, int writing, void *context)
{
	struct tls_context *c = context;

	(void)to;
	(void)size;
	(void)writing;
	c->asks = true;
	return -1;
}

static int read_files(struct tls_context *c, const struct tls_files *f,
		      char *why, size_t why_size)
{
	SSL_CTX *ctx = c->ctx;
	const char *key = f->key ? f->key : f->cert;

	if (f->ca && !SSL_CTX_load_verify_locations(ctx, f->ca, NULL))
		return refuse(c, "the file of authorities", f->ca, why,
			      why_size);
	if (!f->ca && !SSL_CTX_set_default_verify_paths(ctx))
		return refuse(c, "the authorities of", "the system", why,
			      why_size);
	if (f->cert && SSL_CTX_use_certificate_chain_file(ctx, f->cert) != 1)
		return refuse(c, "the certificate", f->cert, why, why_size);
	if (key &&
	    (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	     (f->cert && SSL_CTX_check_private_key(ctx) != 1)))
		return refuse(c, "the certificate's key", key, why, why_size);
	return 0;
}

int tls_context_make(struct tls_context **out, const struct tls_files *files,
		     char *why, size_t why_size)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	ERR_clear_error();
	if (c)
		c->ctx = SSL_CTX_new(TLS_client_method());
	if (c && c->ctx) {
		SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION);
		SSL_CTX_set_default_passwd_cb(c->ctx, know_no_password);
		SSL_CTX_set_default_passwd_cb_userdata(c->ctx, c);
		SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
		r = read_files(c, files, why, why_size);
	}
	if (r) {
		tls_context_free(c);
		c = NULL;
	}
	ERR_clear_error();
	*out = c;
	return r;
}

void tls_context_free(struct tls_context *c)
{
	if (c)
		SSL_CTX_free(c->ctx);
	free(c);
}

static int expect(SSL *ssl, const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 ||
	    inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	/* SSL_set_tlsext_host_name(), whose macro drops the const. */
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
			TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) &&
	       SSL_set1_host(ssl, host);
}

struct tls *tls_new(struct tls_context *context, const char *host)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ssl = SSL_new(context->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (!t->ssl || !t->in || !t->out || !expect(t->ssl, host)) {
		BIO_free(t->in);
		BIO_free(t->out);
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_mem_eof_return(t->in, -1);
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (t)
		SSL_free(t->ssl);
	free(t);
}

int tls_shake_hands(struct tls *t)
{
	int r, wants;

	ERR_clear_error();
	r = SSL_do_handshake(t->ssl);
	wants = SSL_get_error(t->ssl, r);
	ERR_clear_error();
	if (r == 1)
		return 0;
	return wants == SSL_ERROR_WANT_READ ? -EAGAIN : -EACCES;
}

int tls_write(struct tls *t, const char *from, size_t len)
{
	size_t done;
	int r;

	ERR_clear_error();
	r = SSL_write_ex(t->ssl, from, len, &done);
	ERR_clear_error();
	return r == 1 && done == len ? 0 : -EPROTO;
}

size_t tls_outgoing(struct tls *t, const char **bytes)
{
	char *at = NULL;
	long n = BIO_get_mem_data(t->out, &at);

	*bytes = at;
	return n > 0 ? (size_t)n : 0;
}

void tls_sent(struct tls *t)
{
	(void)BIO_reset(t->out);
}

int tls_incoming(struct tls *t, const char *from, size_t len)
{
	if (len > INT_MAX || BIO_write(t->in, from, (int)len) != (int)len)
		return -ENOMEM;
	return 0;
}

ssize_t tls_read(struct tls *t, char *to, size_t size)
{
	size_t n = 0;
	int r, wants;

	ERR_clear_error();
	r = SSL_read_ex(t->ssl, to, size, &n);
	wants = SSL_get_error(t->ssl, r);
	ERR_clear_error();
	if (r == 1)
		return (ssize_t)n;
	if (wants == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	return wants == SSL_ERROR_ZERO_RETURN ? -ECONNRESET : -EPROTO;
}
