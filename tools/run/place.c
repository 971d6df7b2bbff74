/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/complain.h"
#include "key.h"

/*
 * The note lasts for an hour, even if the file does not, for callers that come
 * one by one.
 */
#define TTL_MS (60u * 60 * 1000)

/* Writes "DEVICE INODE DIRECTORY". False: there is no such directory. */
static bool write_place(const char *path, char *text, size_t size)
{
	int len = (int)(strrchr(path, '/') - path);
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s", len ? len : 1, path);
	if (stat(folder, &st))
		return false;
	return snprintf(text, size, "%jx %jx %s", (uintmax_t)st.st_dev,
			(uintmax_t)st.st_ino, folder) < (int)size;
}

/* The directory's name in such a text. */
static const char *name_in(const char *text)
{
	const char *at = strchr(text, '/');

	return at ? at : "";
}

void place_note(const struct invocation *inv, const char *path)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = TTL_MS,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char key[SFSHM_KEY_MAX], own[PATH_MAX + 64], last[PATH_MAX + 64] = "";
	size_t len = key_beside(&inv->options, "place", key);

	if (!write_place(path, own, sizeof(own)))
		return;
	if (sfshm_get(inv->session.handle, key, len, &result) == SFSHM_CACHED &&
	    result.value.len < sizeof(last))
		memcpy(last, result.value.data, result.value.len);
	sfshm_result_clear(&result);
	if (!strcmp(own, last))
		return;
	/* Without the note only the message is lost. */
	if (sfshm_put(inv->session.handle, key, len, &policy, own, strlen(own)))
		return;
	if (!strcmp(name_in(own), name_in(last)) && !inv->options.quiet)
		complain("key %s: the last caller's %s is another directory, "
			 "as with PrivateTmp=; choose one that all callers see "
			 "with --dir",
			 inv->key_text, name_in(own));
}
