/* SPDX-License-Identifier: MIT */
/* A store of files: one for each value, and one beside it for flock(2). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"

static const char *folder;
static int locked;

static const char *path_of(const char *key, const char *ending)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s%s", folder, key, ending);
	return path;
}

void backend_open(const char *at)
{
	folder = at;
}

/* The modification time of a value's file is the time when it expires. */
static bool fresh(int fd)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return !fstat(fd, &st) && st.st_mtim.tv_sec > now.tv_sec;
}

long backend_get(const char *key, void *data, size_t room)
{
	int fd = open(path_of(key, ""), O_RDONLY | O_CLOEXEC);
	long n = -1;

	if (fd < 0)
		return -1;
	if (fresh(fd))
		n = read(fd, data, room);
	close(fd);
	return n;
}

void backend_put(const char *key, const void *data, size_t len, uint32_t ttl_ms)
{
	struct timespec times[2];
	char temporary[256];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s", path_of(key, ".new"));
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += ttl_ms / 1000 + 1;
	times[0] = times[1];
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len ||
	    futimens(fd, times) || close(fd) ||
	    rename(temporary, path_of(key, "")))
		backend_die(temporary);
}

bool backend_lock(const char *key)
{
	locked =
		open(path_of(key, ".lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (locked < 0 || flock(locked, LOCK_EX))
		backend_die("flock");
	return true;
}

void backend_unlock(const char *key)
{
	(void)key;
	close(locked);
}
