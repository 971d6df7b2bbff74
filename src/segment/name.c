/* SPDX-License-Identifier: MIT */
#include "segment/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/segment.h>

static int valid_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-+@:", *c))
			return 0;
	return *name != '\0';
}

int name_to_path(const char *name, uid_t uid, char *buf, size_t size)
{
	int n;

	if (!name)
		name = "default";
	if (strchr(name, '/'))
		n = snprintf(buf, size, "%s", name);
	else if (valid_name(name))
		n = snprintf(buf, size, "/dev/shm/sfshm.%u.%s", (unsigned)uid,
			     name);
	else
		return -EINVAL;
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

int sfshm_path(const char *name, char *buf, size_t size)
{
	if (!buf)
		return -EINVAL;
	return name_to_path(name, geteuid(), buf, size);
}
