/* SPDX-License-Identifier: MIT */
#include "os/hash.h"

#include <sys/random.h>
#include <unistd.h>

#include "os/sys.h"

uint64_t hash_random(void)
{
	uint64_t r = 0;

	/* Early in boot the kernel may have none yet: the clock will do. */
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = sys.now() ^ ((uint64_t)getpid() << 32);
	return r ? r : 1;
}
