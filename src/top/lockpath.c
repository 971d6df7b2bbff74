/* SPDX-License-Identifier: MIT */
/* sfshm_lock_path(): makes one key for all paths of a file. */
#include <sfshm/lock.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "top/sized.h"

/* The most symbolic links that the kernel follows in a path. */
#define MOST_LINKS 40

/* POSIX lets realpath() keep two leading slashes; on Linux they mean one. */
static bool real_path(const char *path, char whole[PATH_MAX])
{
	if (!realpath(path, whole))
		return false;
	if (whole[0] == '/' && whole[1] == '/')
		memmove(whole, whole + 1, strlen(whole));
	return true;
}

/*
 * Resolves a path whose last component is missing, or is a symbolic link to a
 * missing file: resolves the folder, and appends the component as it is.
 */
static int resolve_folder(const char *path, char whole[PATH_MAX])
{
	char folder[PATH_MAX], last[NAME_MAX + 1];
	size_t len = strlen(path), name;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (name = len; name && path[name - 1] != '/';)
		name--;
	if (name + 1 >= sizeof(folder) || len - name >= sizeof(last))
		return -ENAMETOOLONG;
	snprintf(folder, sizeof(folder), "%.*s.", (int)name, path);
	snprintf(last, sizeof(last), "%.*s", (int)(len - name), path + name);
	if (!real_path(folder, whole))
		return -errno;
	if (!last[0] || !strcmp(last, ".") || !strcmp(last, ".."))
		return -ENOENT;
	len = strlen(whole);
	if (len + 1 + strlen(last) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(whole + len, PATH_MAX - len, "%s%s", len > 1 ? "/" : "", last);
	return 0;
}

/*
 * Reads where the symbolic link at `whole` leads. Returns 1; 0: there is no
 * link; or an error.
 */
static int read_link(const char *whole, char next[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(whole, target, sizeof(target));
	int folder, len;

	if (n < 0)
		return errno == EINVAL || errno == ENOENT ? 0 : -errno;
	if (n == sizeof(target))
		return -ENAMETOOLONG;
	folder = target[0] == '/' ? 0 : (int)(strrchr(whole, '/') + 1 - whole);
	len = snprintf(next, PATH_MAX, "%.*s%.*s", folder, whole, (int)n,
		       target);
	return len < PATH_MAX ? 1 : -ENAMETOOLONG;
}

/*
 * Resolves a path as realpath(3) will once its last component exists, so that
 * making the file does not change its lock. A link to a missing file therefore
 * gives the place at which the file will be made through that link.
 */
static int resolve(const char *path, char whole[PATH_MAX])
{
	char next[PATH_MAX] = "";
	int r;

	for (int links = 0; links <= MOST_LINKS; links++) {
		if (real_path(path, whole))
			return 0;
		if (errno != ENOENT)
			return -errno;
		r = resolve_folder(path, whole);
		if (!r)
			r = read_link(whole, next);
		if (r <= 0)
			return r;
		path = next;
	}
	return -ELOOP;
}

/* Names the file itself, whatever its paths are. */
static int identify(const char *path, char key[PATH_MAX])
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	snprintf(key, PATH_MAX, "inode:%u:%u:%ju", major(st.st_dev),
		 minor(st.st_dev), (uintmax_t)st.st_ino);
	return 0;
}

int sfshm_lock_path(struct sfshm *h, const char *path,
		    const struct sfshm_lock_options *o, struct sfshm_lock *lock)
{
	struct sfshm_lock_options own;
	char key[PATH_MAX];
	int r;

	if (!lock)
		return -EINVAL;
	*lock = (struct sfshm_lock)SFSHM_LOCK_INIT;
	if (!path)
		return -EINVAL;
	r = sized_adopt(&o, &own);
	if (r)
		return r;
	if (o && o->flags & SFSHM_LOCK_INODE) {
		r = identify(path, key);
		own = *o;
		own.flags &= ~(uint32_t)SFSHM_LOCK_INODE;
		o = &own;
	} else {
		r = resolve(path, key);
	}
	return r ? r : sfshm_lock(h, key, strlen(key), o, lock);
}
