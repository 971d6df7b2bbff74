/* SPDX-License-Identifier: MIT */
#include "redis/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/tls.h"

/* Longest password, in bytes. */
#define PASSWORD_MAX 1024

/* The value of a hexadecimal digit; -1: it is none. */
static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at =
		c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) :
		    NULL;

	return at ? (int)(at - digits) : -1;
}

/* The byte that %XX stands for; -1: it stands for none. */
static int escaped(const char *at, size_t len)
{
	int high = len < 3 ? -1 : digit(at[1]);
	int low = high < 0 ? -1 : digit(at[2]);

	return low < 0 ? -1 : high * 16 + low;
}

/* Copies a part of the URL to the field, and replaces %XX. -EINVAL: there is a
   %XX that stands for no byte, or for 0. */
static int set(char **field, const char *from, size_t len)
{
	char *copy = malloc(len + 1), *to = copy;

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		bool escape = from[i] == '%';
		int byte = escape ? escaped(from + i, len - i) : from[i];

		/* A text has no byte 0. */
		if (escape && byte <= 0) {
			free(copy);
			return -EINVAL;
		}
		*to++ = (char)byte;
		i += escape ? 2 : 0;
	}
	*to = '\0';
	free(*field);
	*field = copy;
	return 0;
}

static void forget(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}

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

/* Reads the first line of the file. */
static int read_password(char **password, const char *from, size_t len,
			 char *why, size_t why_size)
{
	char line[PASSWORD_MAX + 2], *path = NULL;
	FILE *file = NULL;
	int r = set(&path, from, len);

	if (r == 0) {
		file = fopen(path, "re");
		r = file ? 0 : -errno;
	}
	if (r == 0 && !fgets(line, sizeof(line), file))
		r = -ENODATA;
	if (r == 0 && strcspn(line, "\r\n") > PASSWORD_MAX)
		r = -EFBIG;
	if (r == 0) {
		line[strcspn(line, "\r\n")] = '\0';
		forget(*password);
		*password = strdup(line);
		r = *password ? 0 : -ENOMEM;
	}
	errno = -r;
	if (r && path)
		snprintf(why, why_size, "the password's file %s: %m", path);
	if (file)
		fclose(file);
	explicit_bzero(line, sizeof(line));
	free(path);
	return r;
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
			return set(
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
		return read_password(password, at + sizeof(file) - 1,
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

/* [USER:]PASSWORD@ */
static int parse_user(struct url *u, const char *at, size_t len)
{
	const char *colon = memchr(at, ':', len);
	int r = colon && colon > at ? set(&u->user, at, (size_t)(colon - at)) :
				      0;

	if (colon) {
		len -= (size_t)(colon + 1 - at);
		at = colon + 1;
	}
	return r ? r : set(&u->password, at, len);
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
	r = *at == '[' ? set(to_host, at + 1, host ? host - 1 : 0) :
			 set(to_host, at, host);
	colon = at + host + (*at == '[');
	if (r)
		return r;
	if (!**to_host || (*at == '[' && colon > end))
		return -EINVAL;
	if (colon >= end)
		return set(to_port, usual, strlen(usual));
	return *colon == ':' && colon + 1 < end ?
		       set(to_port, colon + 1, (size_t)(end - colon - 1)) :
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
	int r = n ? set(&u->master, at, n) : -EINVAL;

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
		r = parse_user(u, at, (size_t)(user - at));
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
		       set(&u->path, text + 5, len - 5) :
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
		r = set(&u->ns, "sfshm", 5);
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
	forget(u->password);
	forget(u->sentinel_password);
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
