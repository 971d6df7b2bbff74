/* SPDX-License-Identifier: MIT */
#include "top/removed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "peer/removal.h"
#include "segment/file.h"

/* How many files a search remembers, so that it looks at each once. */
#define MOST_FILES 64

struct search {
	const char *path;
	struct sfshm_options like; /* the owner, group and mode to require */
	char link[PATH_MAX + 16];  /* the file's link text in /proc/PID/fd */
	dev_t dev;
	uint64_t ino; /* 0: any */
	uint64_t known[MOST_FILES];
	unsigned int known_count;
	struct mapping *best;
};

static int prepare(struct search *s, const char *path, uint64_t ino,
		   const struct sfshm_options *o)
{
	const char *name = strrchr(path, '/');
	char folder[PATH_MAX], whole[PATH_MAX];
	struct stat st;

	name = name ? name + 1 : path;
	snprintf(folder, sizeof(folder), "%.*s.", (int)(name - path), path);
	if (!realpath(folder, whole) || stat(whole, &st))
		return -ENOENT;
	*s = (struct search){ .path = path, .ino = ino, .dev = st.st_dev };
	if (o)
		s->like = *o;
	s->like.why = NULL;
	snprintf(s->link, sizeof(s->link), "%s/%s (deleted)",
		 strcmp(whole, "/") ? whole : "", name);
	return 0;
}

/* Whether the link `fd` in `folder` leads to a file that had the name. */
static bool had_the_name(const struct search *s, int folder, const char *fd)
{
	char text[sizeof(s->link)];
	ssize_t n = readlinkat(folder, fd, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(s->link) &&
	       !memcmp(text, s->link, (size_t)n);
}

/*
 * Opens the file of inode `ino` through process `pid`, which has it open.
 * -ENOENT: among the process's open files, none has that inode and had the
 * name. Compares a link's text first, because fstatat() on another open file of
 * that process might take long.
 */
static int open_through(const struct search *s, pid_t pid, uint64_t ino)
{
	char name[32];
	struct dirent *e;
	struct stat st;
	int fd = -ENOENT, folder;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = opendir(name);
	if (!dir)
		return -EACCES;
	folder = dirfd(dir);
	/* The stream is this call's own. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while (fd < 0 && (e = readdir(dir)))
		if (had_the_name(s, folder, e->d_name) &&
		    !fstatat(folder, e->d_name, &st, 0) &&
		    st.st_dev == s->dev && st.st_ino == ino)
			fd = openat(folder, e->d_name, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		fd = -errno;
	closedir(dir);
	return fd;
}

/*
 * Maps the file through process `pid`, if the file passes the checks. False:
 * this process may not look into process `pid`, so try another process that has
 * the file open.
 */
static bool map_through(const struct search *s, pid_t pid, uint64_t ino,
			struct mapping **map)
{
	int fd = open_through(s, pid, ino);
	struct stat st;

	if (fd < 0)
		return fd == -ENOENT;
	if (!fstat(fd, &st) && !st.st_nlink &&
	    !file_check(&st, s->path, &s->like) &&
	    !mapping_open_stat(map, fd, &st, &s->like))
		return true;
	close(fd);
	return true;
}

/*
 * Uses this process's own mapping, if it has one, and does not open the file
 * once more: closing that descriptor would drop this process's byte locks.
 * Returns whether this process has the file mapped.
 */
static bool map_own(const struct search *s, uint64_t ino, struct mapping **map)
{
	struct mapping *own = mapping_find(s->dev, ino, -1);
	char name[32];

	if (!own)
		return false;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", own->fd);
	if (removal_seen(own) && had_the_name(s, AT_FDCWD, name))
		*map = own;
	else
		mapping_drop_handle(own);
	return true;
}

/* Whether segment `a` came after segment `b`. */
static bool is_later(const struct mapping *a, const struct mapping *b)
{
	if (mapping_replaces(a) == b->ino)
		return true;
	return mapping_replaces(b) != a->ino &&
	       load_relaxed(&a->header->created) >
		       load_relaxed(&b->header->created);
}

static void keep_the_later(struct search *s, struct mapping *map)
{
	struct mapping *other = map;

	if (!s->best || is_later(map, s->best)) {
		other = s->best;
		s->best = map;
	}
	if (other)
		mapping_drop_handle(other);
}

static bool is_known(const struct search *s, uint64_t ino)
{
	for (unsigned int i = 0; i < s->known_count; i++)
		if (s->known[i] == ino)
			return true;
	return false;
}

/*
 * Looks at one line of /proc/locks: a process's lock on a file. Maps each file
 * through one process only.
 */
static void look_at_lock(struct search *s, const char *line)
{
	struct mapping *map = NULL;
	unsigned int major, minor;
	uint64_t ino;
	int pid;

	/* A number that is too large names no file. NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(line, "%*s POSIX %*s %*s %d %x:%x:%" SCNu64, &pid, &major,
		   &minor, &ino) != 4 ||
	    makedev(major, minor) != s->dev || pid <= 0 ||
	    (s->ino && s->ino != ino) || is_known(s, ino))
		return;
	if (!map_own(s, ino, &map) &&
	    (pid == getpid() || !map_through(s, pid, ino, &map)))
		return;
	if (s->known_count < MOST_FILES)
		s->known[s->known_count++] = ino;
	if (map)
		keep_the_later(s, map);
}

int removed_map(struct mapping **map, const char *path, uint64_t ino,
		const struct sfshm_options *o)
{
	char *line = NULL;
	size_t size = 0;
	struct search s;
	FILE *locks;
	int r = prepare(&s, path, ino, o);

	*map = NULL;
	if (r)
		return r;
	locks = fopen("/proc/locks", "re");
	if (!locks)
		return -ENOENT;
	while (getline(&line, &size, locks) > 0)
		look_at_lock(&s, line);
	free(line);
	fclose(locks);
	*map = s.best;
	return s.best ? 0 : -ENOENT;
}

uint64_t removed_inode(const char *path, const struct sfshm_options *o)
{
	struct mapping *map;
	uint64_t ino;

	if (removed_map(&map, path, 0, o))
		return 0;
	ino = map->ino;
	mapping_drop_handle(map);
	return ino;
}
