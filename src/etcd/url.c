/* SPDX-License-Identifier: MIT */
#include "etcd/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/url-part.h"

static int parse_option(struct url *u, const char *at, size_t len, char *why,
			size_t why_size)
{
	const struct {
		const char *name;
		char **field;
	} texts[] = {
		{ "ns=", &u->ns },   { "user=", &u->user },
		{ "ca=", &u->ca },   { "cert=", &u->cert },
		{ "key=", &u->key }, { "password-file=", NULL },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strlen(texts[i].name);

		if (len <= n || strncmp(at, texts[i].name, n) != 0)
			continue;
		at += n;
		len -= n;
		return texts[i].field ? url_set(texts[i].field, at, len) :
					url_read_password(&u->password, at, len,
							  why, why_size);
	}
	return -EINVAL;
}

static int parse_options(struct url *u, const char *at, char *why,
			 size_t why_size)
{
	int r = 0;

	while (!r && *at) {
		size_t len = strcspn(at, "&");

		r = parse_option(u, at, len, why, why_size);
		at += len + (at[len] == '&');
	}
	return r;
}

/* HOST[:PORT], with a HOST that has colons in brackets. */
static int parse_member(struct url *u, const char *at, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_:";
	const char *scheme = u->tls ? "https" : "http";
	const char *close = *at == '[' ? memchr(at, ']', len) : NULL;
	const char *colon = memrchr(at, ':', len);
	size_t host, inner = *at == '[' ? 1 : 0;
	char *to;

	if (colon && close && colon < close)
		colon = NULL;
	host = colon ? (size_t)(colon - at) : len;
	if (inner && (!close || (size_t)(close - at) != host - 1))
		return -EINVAL;
	if (host <= 2 * inner || strspn(at + inner, plain) < host - 2 * inner ||
	    (!inner && memchr(at, ':', host)))
		return -EINVAL;
	if (colon && (len - host < 2 ||
		      strspn(colon + 1, "0123456789") < len - host - 1))
		return -EINVAL;
	if (asprintf(&to, "%s://%.*s:%.*s", scheme, (int)host, at,
		     colon ? (int)(len - host - 1) : 4,
		     colon ? colon + 1 : "2379") < 0)
		return -ENOMEM;
	u->member[u->members++] = to;
	return 0;
}

static int parse_members(struct url *u, const char *at, size_t len)
{
	const char *end = at + len, *comma;
	size_t n;
	int r;

	do {
		comma = memchr(at, ',', (size_t)(end - at));
		n = (size_t)((comma ? comma : end) - at);
		if (!n || u->members == URL_MEMBERS)
			return -EINVAL;
		r = parse_member(u, at, n);
		at += n + 1;
	} while (!r && comma);
	return r;
}

static int parse_cluster(struct url *u, const char *at, size_t len)
{
	const char *user = memrchr(at, '@', len);
	int r = 0;

	if (user) {
		r = url_set_login(&u->user, &u->password, at,
				  (size_t)(user - at));
		len -= (size_t)(user + 1 - at);
		at = user + 1;
	}
	if (len && at[len - 1] == '/')
		len--;
	if (r || !len)
		return r ? r : -EINVAL;
	return parse_members(u, at, len);
}

/* libcurl reads the files for each connection, and reports no file's name. */
static int check_files(const struct url *u, char *why, size_t why_size)
{
	const char *const paths[] = { u->ca, u->cert, u->key };

	for (size_t i = 0; i < 3; i++) {
		FILE *file = paths[i] ? fopen(paths[i], "re") : NULL;
		int error = errno;

		if (file) {
			fclose(file);
		} else if (paths[i]) {
			snprintf(why, why_size, "%s: %m", paths[i]);
			return -error;
		}
	}
	return 0;
}

static int parse(struct url *u, const char *text, char *why, size_t why_size)
{
	const char *at;
	size_t len;
	int r;

	u->tls = !strncmp(text, "etcds://", 8);
	if (!u->tls && strncmp(text, "etcd://", 7) != 0)
		return -EINVAL;
	at = text + (u->tls ? 8 : 7);
	len = strcspn(at, "?");
	r = parse_cluster(u, at, len);
	if (!r && at[len])
		r = parse_options(u, at + len + 1, why, why_size);
	if (!r && !u->ns)
		r = url_set(&u->ns, "sfshm", 5);
	/* Only a user logs in with a password. */
	if (!r && u->password && !u->user)
		r = -EINVAL;
	if (!r && (u->key && !u->cert))
		r = -EINVAL;
	if (!r && !u->tls && (u->ca || u->cert))
		r = -EINVAL;
	return r ? r : check_files(u, why, why_size);
}

int etcd_url_parse(struct url *u, const char *text, char *why, size_t why_size)
{
	int r;

	*u = (struct url){ 0 };
	if (why_size)
		why[0] = '\0';
	r = parse(u, text, why, why_size);
	if (r == -EINVAL && why_size && !why[0])
		snprintf(why, why_size,
			 "the fleet's URL is not of the form etcd[s]://"
			 "[USER:PASSWORD@]HOST[:PORT],...[?OPTIONS]");
	return r;
}

void etcd_url_free(struct url *u)
{
	url_forget(u->password);
	for (unsigned int i = 0; i < u->members; i++)
		free(u->member[i]);
	free(u->user);
	free(u->ns);
	free(u->ca);
	free(u->cert);
	free(u->key);
	*u = (struct url){ 0 };
}
