/* SPDX-License-Identifier: MIT */
/*
 * Parts of a URL that the libraries of all engines read in the same way. Each
 * such library is linked with this file, and exports nothing of it.
 */
#ifndef ENGINE_URL_PART_H
#define ENGINE_URL_PART_H

#include <stddef.h>

/*
 * Copies a part of a URL to the field, in place of what the field had, and
 * replaces %XX. Returns 0, -ENOMEM, or -EINVAL: there is a %XX that stands for
 * no byte, or for 0.
 */
int url_set(char **field, const char *from, size_t len);

/* Reads USER:PASSWORD, :PASSWORD or PASSWORD. Returns as url_set(). */
int url_set_login(char **user, char **password, const char *at, size_t len);

/*
 * Reads the password from the first line of a file. `from` is the path as a
 * part of a URL. Returns 0; an error as url_set(); or an error of reading, with
 * a line in `why`.
 */
int url_read_password(char **password, const char *from, size_t len, char *why,
		      size_t why_size);

/* Overwrites and frees a password; it may be NULL. */
void url_forget(char *password);

#endif
