/* SPDX-License-Identifier: MIT */
#include "redis/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/url-part.h"
#include "redis/tls.h"

static int set_db(struct url *u, const char *from, size_t len)
{
	unsigned int db = 0;

	if (!len || len > 6)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (from[i] < '0' || from[i] > '9')
			return -EINVAL;
		db = db * 10 + (unsigned int)(from[i] - '0');
	}
	u->db = db;
	return 0;
}

static int parse_option(struct url *u, const char *at, size_t len, char *why,
			size_t why_size)
{
	static const struct {
		const char *name;
		size_t field;
	} texts[] = {
		{ "ns=", offsetof(struct url, ns) },
		{ "user=", offsetof(struct url, user) },
		{ "ca=", offsetof(struct url, ca) },
		{ "cert=", offsetof(struct url, cert) },
		{ "key=", offsetof(struct url, key) },
	};
	const char file[] = "password-file=", sentinel[] = "sentinel-";
	const size_t n_sentinel = sizeof(sentinel) - 1;
	char **password = &u->password;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strlen(texts[i].name);

		if (len > n && !strncmp(at, texts[i].name, n))
			return url_set(
				(char **)(void *)((char *)u + texts[i].field),
				at + n, len - n);
	}
	if (len > 3 && !strncmp(at, "db=", 3))
		return set_db(u, at + 3, len - 3);
	if (len > n_sentinel && !strncmp(at, sentinel, n_sentinel)) {
		password = &u->sentinel_password;
		at += n_sentinel;
		len -= n_sentinel;
	}
	if (len >= sizeof(file) && !strncmp(at, file, sizeof(file) - 1))
		return url_read_password(password, at + sizeof(file) - 1,
					 len - sizeof(file) + 1, why, why_size);
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

/* HOST[:PORT] */
static int parse_host(char **to_host, char **to_port, const char *usual,
		      const char *at, size_t len)
{
	const char *end = at + len, *colon;
	size_t host = strcspn(at, *at == '[' ? "]" : ":");
	int r;

	if (host > len)
		host = len;
	r = *at == '[' ? url_set(to_host, at + 1, host ? host - 1 : 0) :
			 url_set(to_host, at, host);
	colon = at + host + (*at == '[');
	if (r)
		return r;
	if (!**to_host || (*at == '[' && colon > end))
		return -EINVAL;
	if (colon >= end)
		return url_set(to_port, usual, strlen(usual));
	return *colon == ':' && colon + 1 < end ?
		       url_set(to_port, colon + 1, (size_t)(end - colon - 1)) :
		       -EINVAL;
}

/* HOST[:PORT],HOST[:PORT]... */
static int parse_sentinels(struct url *u, const char *at, size_t len)
{
	const char *end = at + len, *comma;
	size_t n;
	int r;

	do {
		unsigned int i = u->sentinels;

		comma = memchr(at, ',', (size_t)(end - at));
		n = (size_t)((comma ? comma : end) - at);
		if (!n || i == URL_SENTINELS)
			return -EINVAL;
		u->sentinels++;
		r = parse_host(&u->sentinel[i].host, &u->sentinel[i].port,
			       "26379", at, n);
		at += n + 1;
	} while (!r && comma);
	return r;
}

/* MASTER[/DB] */
static int parse_master(struct url *u, const char *at, size_t len)
{
	const char *slash = memchr(at, '/', len);
	size_t n = slash ? (size_t)(slash - at) : len;
	int r = n ? url_set(&u->master, at, n) : -EINVAL;

	if (r || !slash || n + 1 == len)
		return r;
	return set_db(u, slash + 1, len - n - 1);
}

static int parse_redis(struct url *u, bool sentinel, const char *at, size_t len)
{
	const char *slash = memchr(at, '/', len), *user;
	size_t where = slash ? (size_t)(slash - at) : len, db = 0;
	int r = 0;

	if (slash)
		db = len - where - 1;
	user = memrchr(at, '@', where);
	if (user) {
		r = url_set_login(&u->user, &u->password, at,
				  (size_t)(user - at));
		where -= (size_t)(user + 1 - at);
		at = user + 1;
	}
	if (r || !where)
		return r ? r : -EINVAL;
	if (sentinel) {
		r = parse_sentinels(u, at, where);
		return r ? r : parse_master(u, slash ? slash + 1 : at, db);
	}
	r = parse_host(&u->host, &u->port, "6379", at, where);
	return r || !db ? r : set_db(u, slash + 1, db);
}

static int load_tls(struct url *u, bool tls, char *why, size_t why_size)
{
	const struct tls_files files = { u->ca, u->cert, u->key };

	if (!tls)
		return u->ca || u->cert || u->key ? -EINVAL : 0;
	return tls_context_make(&u->tls, &files, why, why_size);
}

/* Finds the URL's form, and reads all but its options. */
static int parse_server(struct url *u, const char *text, size_t len, bool *tls)
{
	static const struct {
		const char *name;
		bool tls;
		bool sentinel;
	} schemes[] = {
		{ "redis://", false, false },
		{ "rediss://", true, false },
		{ "redis+sentinel://", false, true },
		{ "rediss+sentinel://", true, true },
	};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t n = strlen(schemes[i].name);

		if (strncmp(text, schemes[i].name, n) != 0)
			continue;
		*tls = schemes[i].tls;
		return parse_redis(u, schemes[i].sentinel, text + n, len - n);
	}
	return !strncmp(text, "unix:", 5) && len > 5 ?
		       url_set(&u->path, text + 5, len - 5) :
		       -EINVAL;
}

int url_parse(struct url *u, const char *text, char *why, size_t why_size)
{
	size_t len = strcspn(text, "?");
	bool tls = false;
	int r;

	*u = (struct url){ 0 };
	if (why_size)
		why[0] = '\0';
	r = parse_server(u, text, len, &tls);
	if (!r && text[len])
		r = parse_options(u, text + len + 1, why, why_size);
	if (!r && !u->ns)
		r = url_set(&u->ns, "sfshm", 5);
	if (!r)
		r = load_tls(u, tls, why, why_size);
	if (r == -EINVAL && why_size && !why[0])
		snprintf(why, why_size,
			 "the fleet's URL is not of the form redis[s]://"
			 "[[USER:]PASSWORD@]HOST[:PORT][/DB][?OPTIONS], "
			 "redis[s]+sentinel://[[USER:]PASSWORD@]"
			 "HOST[:PORT],.../MASTER[/DB][?OPTIONS] or "
			 "unix:PATH[?OPTIONS]");
	return r;
}

void url_free(struct url *u)
{
	url_forget(u->password);
	url_forget(u->sentinel_password);
	tls_context_free(u->tls);
	for (unsigned int i = 0; i < u->sentinels; i++) {
		free(u->sentinel[i].host);
		free(u->sentinel[i].port);
	}
	free(u->master);
	free(u->ca);
	free(u->cert);
	free(u->key);
	free(u->path);
	free(u->host);
	free(u->port);
	free(u->user);
	free(u->ns);
	*u = (struct url){ 0 };
}
