/* SPDX-License-Identifier: MIT */
#include "engine/url-part.h"

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

int url_set(char **field, const char *from, size_t len)
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

int url_set_login(char **user, char **password, const char *at, size_t len)
{
	const char *colon = memchr(at, ':', len);
	int r = colon && colon > at ? url_set(user, at, (size_t)(colon - at)) :
				      0;

	if (colon) {
		len -= (size_t)(colon + 1 - at);
		at = colon + 1;
	}
	return r ? r : url_set(password, at, len);
}

void url_forget(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}

int url_read_password(char **password, const char *from, size_t len, char *why,
		      size_t why_size)
{
	char line[PASSWORD_MAX + 2], *path = NULL;
	FILE *file = NULL;
	int r = url_set(&path, from, len);

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
		url_forget(*password);
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
