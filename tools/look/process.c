/* SPDX-License-Identifier: MIT */
#include "look/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t own_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (uint64_t)st.st_ino;
}

size_t process_command(int32_t pid, uint64_t pid_ns, char *out, size_t size)
{
	char path[32];
	ssize_t n;
	int fd;

	if (pid <= 0 || pid_ns != own_pid_ns())
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, out, size);
	close(fd);
	while (n > 0 && !out[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!out[i])
			out[i] = ' ';
	return n > 0 ? (size_t)n : 0;
}
