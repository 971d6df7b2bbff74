/* SPDX-License-Identifier: MIT */
#include "segment/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment/file.h"
#include "segment/geometry.h"

/* Makes a path absolute, because the process may change its working folder. */
static char *absolute(const char *path)
{
	char *copy = strdup(path), *dir, *whole = NULL;
	const char *slash = strrchr(path, '/');

	if (!copy || !slash || path[0] == '/')
		return copy;
	copy[slash - path] = '\0';
	dir = realpath(copy, NULL);
	if (dir && asprintf(&whole, "%s%s", dir, slash) < 0)
		whole = NULL;
	free(dir);
	free(copy);
	return whole;
}

static ino_t folder_of(const char *path)
{
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s.",
		 (int)(strrchr(path, '/') + 1 - path), path);
	return stat(folder, &st) ? 0 : st.st_ino;
}

/*
 * Notes the path by which the process will find the segment's successor. A
 * mapping keeps its first path. On an error, drops the handle's reference.
 */
static int note_path(struct mapping *map, const char *path)
{
	char *whole;
	int r;

	if (map->path)
		return 0;
	errno = ENOMEM;
	whole = absolute(path);
	if (!whole) {
		r = -errno;
		mapping_drop_handle(map);
		return r;
	}
	map->folder = folder_of(whole);
	store_release(&map->path, whole);
	return 0;
}

int mapping_open_path(struct mapping **map, const char *path,
		      const struct sfshm_options *o)
{
	bool may_make = o && (o->flags & SFSHM_CREATE);
	struct stat st;
	int fd, r = file_inspect(path, o, &st);

	if (r)
		return r;
	*map = mapping_find(st.st_dev, st.st_ino, -1);
	if (*map)
		return note_path(*map, path);
	fd = file_open(path, O_RDWR, o, &st);
	if (fd < 0)
		return fd;
	r = mapping_open_stat(map, fd, &st, o);
	if (!r)
		return note_path(*map, path);
	if (r == -ESTALE && may_make) {
		r = file_remove_stale(path, fd, o);
		r = r ? r : -EAGAIN;
	} else if (r == -ESTALE) {
		r = -EPROTO;
	}
	close(fd);
	return r;
}
