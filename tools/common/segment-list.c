/* SPDX-License-Identifier: MIT */
#include "common/segment-list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sfshm/segment.h>

/* The path of this user's segments, taken apart: "DIR/" "sfshm." "UID." */
struct scheme {
	char dir[PATH_MAX];
	char stem[64];
	char own[64];
};

static int scheme_read(struct scheme *scheme)
{
	char path[PATH_MAX];
	char *base;
	size_t len;
	int r = sfshm_path("x", path, sizeof(path));

	if (r)
		return r;
	base = strrchr(path, '/') + 1;
	len = strlen(base) - 1;
	if (len >= sizeof(scheme->own))
		return -ENAMETOOLONG;
	memcpy(scheme->own, base, len);
	scheme->own[len] = '\0';
	*base = '\0';
	memcpy(scheme->dir, path, strlen(path) + 1);
	len = strcspn(scheme->own, ".") + 1;
	memcpy(scheme->stem, scheme->own, len);
	scheme->stem[len] = '\0';
	return 0;
}

/* Whether a file's name is the stem, a user's id, a dot and a name. */
static int file_matches(const struct scheme *scheme, const char *file)
{
	size_t own = strlen(scheme->own);
	size_t stem = strlen(scheme->stem);
	size_t digits;

	if (strncmp(file, scheme->own, own) == 0)
		return file[own] != '\0';
	if (strncmp(file, scheme->stem, stem) != 0)
		return 0;
	digits = strspn(file + stem, "0123456789");
	return digits && file[stem + digits] == '.' && file[stem + digits + 1];
}

static int list_grow(struct segment_list *list)
{
	struct segment_entry *entries;

	/* The array doubles at each power of two. */
	if (list->count & (list->count - 1))
		return 0;
	entries = reallocarray(list->entries, list->count ? 2 * list->count : 1,
			       sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	return 0;
}

static int list_add(struct segment_list *list, const struct scheme *scheme,
		    const char *file)
{
	size_t own = strlen(scheme->own);
	struct segment_entry entry;
	struct stat st;
	int r;

	if (asprintf(&entry.path, "%s%s", scheme->dir, file) < 0)
		return -ENOMEM;
	entry.name = NULL;
	entry.resizing = 0;
	r = -ENOMEM;
	if (lstat(entry.path, &st) || !S_ISREG(st.st_mode) ||
	    (geteuid() != 0 && st.st_uid != geteuid())) {
		r = 0;
		goto skip;
	}
	entry.owner = st.st_uid;
	entry.size = st.st_size;
	if (strncmp(file, scheme->own, own) == 0)
		entry.name = strdup(file + own);
	else
		entry.name = strdup(entry.path);
	if (!entry.name || list_grow(list))
		goto skip;
	list->entries[list->count++] = entry;
	return 0;
skip:
	free(entry.name);
	free(entry.path);
	return r;
}

static int entry_compare(const void *a, const void *b)
{
	const struct segment_entry *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void entry_free(struct segment_entry *entry)
{
	free(entry->name);
	free(entry->path);
}

/* The entry whose path is the first `len` bytes of `path`, or NULL. */
static struct segment_entry *list_find(const struct segment_list *list,
				       const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (strncmp(list->entries[i].path, path, len) == 0 &&
		    !list->entries[i].path[len])
			return &list->entries[i];
	return NULL;
}

/*
 * Returns the end of "NAME~", a segment that is being replaced, or of
 * "NAME~new", which a dead resize has left; else NULL.
 */
static const char *alias_tail(const char *path)
{
	const char *tail = strrchr(path, '~');

	return tail && (!tail[1] || !strcmp(tail, "~new")) ? tail : NULL;
}

/*
 * Takes the files of a resize off the list, and marks their segment as being
 * resized. If that segment is gone, the files stay, named by their paths, so
 * that the user sees them.
 */
static int list_fold(struct segment_list *list)
{
	size_t i, kept = 0;

	for (i = 0; i < list->count; i++) {
		struct segment_entry *entry = &list->entries[i], *of;
		const char *tail = alias_tail(entry->path);

		if (!tail)
			continue;
		of = list_find(list, entry->path, (size_t)(tail - entry->path));
		free(entry->name);
		entry->name = of ? NULL : strdup(entry->path);
		if (of)
			of->resizing = 1;
		else if (!entry->name)
			return -ENOMEM;
	}
	for (i = 0; i < list->count; i++) {
		if (list->entries[i].name)
			list->entries[kept++] = list->entries[i];
		else
			entry_free(&list->entries[i]);
	}
	list->count = kept;
	return 0;
}

int segment_list_read(struct segment_list *list)
{
	struct scheme scheme;
	struct dirent *file;
	DIR *dir;
	int r;

	memset(list, 0, sizeof(*list));
	r = scheme_read(&scheme);
	if (r)
		return r;
	dir = opendir(scheme.dir);
	if (!dir)
		return -errno;
	while (!r && (file = readdir(dir)))
		if (file_matches(&scheme, file->d_name))
			r = list_add(list, &scheme, file->d_name);
	closedir(dir);
	if (list->count)
		qsort(list->entries, list->count, sizeof(*list->entries),
		      entry_compare);
	return r ? r : list_fold(list);
}

void segment_list_free(struct segment_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		entry_free(&list->entries[i]);
	free(list->entries);
	memset(list, 0, sizeof(*list));
}
