/* SPDX-License-Identifier: MIT */
#include "os/hash.h"

#include <sys/random.h>
#include <unistd.h>

#include "os/sys.h"

uint64_t hash_random(void)
{
	uint64_t r = 0;

	/* Early in boot the kernel may have no random bits: use the clock. */
	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = sys.now() ^ ((uint64_t)getpid() << 32);
	return r ? r : 1;
}

uint64_t hash_draw(void)
{
	static __thread uint64_t state;

	if (!state)
		state = hash_random();
	/* xorshift64* (Vigna, 2016) */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}
