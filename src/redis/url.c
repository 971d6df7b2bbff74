/* SPDX-License-Identifier: MIT */
#include "redis/url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static int read_password(struct url *u, const char *from, size_t len, char *why,
			 size_t why_size)
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
		free(u->password);
		u->password = strdup(line);
		r = u->password ? 0 : -ENOMEM;
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
	};
	const char file[] = "password-file=";

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t n = strlen(texts[i].name);

		if (len > n && !strncmp(at, texts[i].name, n))
			return set(
				(char **)(void *)((char *)u + texts[i].field),
				at + n, len - n);
	}
	if (len > 3 && !strncmp(at, "db=", 3))
		return set_db(u, at + 3, len - 3);
	if (len >= sizeof(file) && !strncmp(at, file, sizeof(file) - 1))
		return read_password(u, at + sizeof(file) - 1,
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
static int parse_host(struct url *u, const char *at, size_t len)
{
	const char *end = at + len, *colon;
	size_t host = strcspn(at, *at == '[' ? "]" : ":");
	int r;

	if (host > len)
		host = len;
	r = *at == '[' ? set(&u->host, at + 1, host ? host - 1 : 0) :
			 set(&u->host, at, host);
	colon = at + host + (*at == '[');
	if (r)
		return r;
	if (!*u->host || (*at == '[' && colon > end))
		return -EINVAL;
	if (colon >= end)
		return set(&u->port, "6379", 4);
	return *colon == ':' && colon + 1 < end ?
		       set(&u->port, colon + 1, (size_t)(end - colon - 1)) :
		       -EINVAL;
}

static int parse_redis(struct url *u, const char *at, size_t len)
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
	if (!r)
		r = where ? parse_host(u, at, where) : -EINVAL;
	return r || !db ? r : set_db(u, slash + 1, db);
}

int url_parse(struct url *u, const char *text, char *why, size_t why_size)
{
	size_t len = strcspn(text, "?");
	int r;

	*u = (struct url){ 0 };
	if (why_size)
		why[0] = '\0';
	if (!strncmp(text, "redis://", 8) && len > 8)
		r = parse_redis(u, text + 8, len - 8);
	else if (!strncmp(text, "unix:", 5) && len > 5)
		r = set(&u->path, text + 5, len - 5);
	else
		r = -EINVAL;
	if (!r && text[len])
		r = parse_options(u, text + len + 1, why, why_size);
	if (!r && !u->ns)
		r = set(&u->ns, "sfshm", 5);
	if (r == -EINVAL && why_size && !why[0])
		snprintf(why, why_size,
			 "the fleet's URL is not of the form redis://"
			 "[[USER:]PASSWORD@]HOST[:PORT][/DB]"
			 "[?ns=NAME&password-file=PATH] or unix:PATH"
			 "[?db=DB&ns=NAME&user=USER&password-file=PATH]");
	return r;
}

void url_free(struct url *u)
{
	if (u->password)
		explicit_bzero(u->password, strlen(u->password));
	free(u->path);
	free(u->host);
	free(u->port);
	free(u->user);
	free(u->password);
	free(u->ns);
	*u = (struct url){ 0 };
}
