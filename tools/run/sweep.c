/* SPDX-License-Identifier: MIT */
#include "sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

/* A caller that has just learned of a file has this long to open it. */
#define GRACE_S 3600

static bool is_result(const char *name)
{
	size_t len = strlen(name), end = sizeof(SWEEP_SUFFIX) - 1;

	return len > end && !strcmp(name + len - end, SWEEP_SUFFIX);
}

static bool is_over(int fd)
{
	struct record_header header;
	struct record record;
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       !record_read(fd, &header, &record) &&
	       st.st_mtime + (time_t)header.note + GRACE_S < time(NULL);
}

static void look_at(int folder, const char *name)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (is_over(fd))
		unlinkat(folder, name, 0);
	close(fd);
}

void sweep_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (is_result(entry->d_name))
			look_at(dirfd(dir), entry->d_name);
	closedir(dir);
}
