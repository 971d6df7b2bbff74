/* SPDX-License-Identifier: MIT */
#include "close.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Not every libc has close_range(2). */
static void close_from_to(unsigned int first, unsigned int last)
{
	if (first <= last)
		syscall(SYS_close_range, first, last, 0);
}

void close_all_but(int *kept, size_t count)
{
	unsigned int first = STDERR_FILENO + 1;

	qsort(kept, count, sizeof(kept[0]), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] <= STDERR_FILENO)
			continue;
		close_from_to(first, (unsigned int)kept[i] - 1);
		first = (unsigned int)kept[i] + 1;
	}
	close_from_to(first, ~0u);
}
