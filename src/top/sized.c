/* SPDX-License-Identifier: MIT */
#include "top/sized.h"

#include <errno.h>

#include "segment/geometry.h"

/* A caller that by mistake stores a pointer's size in `size` stores less. */
#define LEAST (2 * sizeof(size_t))

static size_t size_of(const void *theirs)
{
	size_t size;

	memcpy(&size, theirs, sizeof(size));
	return size;
}

bool sized_is_valid(const void *theirs, size_t size)
{
	size_t n = theirs ? size_of(theirs) : 0;

	return n >= LEAST && n % sizeof(size_t) == 0 &&
	       n <= size + SIZED_SURPLUS_MAX;
}

int sized_read(void *own, size_t size, const void *theirs)
{
	const unsigned char *bytes = theirs;
	size_t n;

	memset(own, 0, size);
	if (!sized_is_valid(theirs, size))
		return -EINVAL;
	n = size_of(theirs);
	memcpy(own, theirs, n < size ? n : size);
	memcpy(own, &size, sizeof(size));
	for (size_t i = size; i < n; i++)
		if (bytes[i])
			return -E2BIG;
	return 0;
}

int sized_adopt_options(const struct sfshm_options **options,
			struct sfshm_options *own)
{
	int r = sized_adopt(options, own);

	if (r == -E2BIG)
		options_explain(*options,
				"the options ask for more than this library, "
				"version " SFSHM_VERSION ", knows; clear their "
				"newer fields, or install a newer libsfshm");
	return r;
}

void sized_write(void *theirs, const void *own, size_t size)
{
	size_t n = size_of(theirs);

	if (n > size)
		n = size;
	memcpy((char *)theirs + sizeof(size), (const char *)own + sizeof(size),
	       n - sizeof(size));
}
