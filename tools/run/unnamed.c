/* SPDX-License-Identifier: MIT */
#include "unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>

int unnamed_file(const char *name, bool *in_memory)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (in_memory)
		*in_memory = fd < 0;
	if (fd >= 0)
		return fd;
	fd = memfd_create(name, MFD_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}
