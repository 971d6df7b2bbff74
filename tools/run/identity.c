/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <sys/stat.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct identity identity_of(const struct invocation *inv, enum run_mode mode)
{
	/* the name space; the file's device and inode */
	uint64_t place[] = { mode, 0, 0 };
	XXH3_state_t state;
	XXH128_hash_t hash;
	struct stat st;

	if (!fstat(inv->session.lock_fd, &st)) {
		place[1] = st.st_dev;
		place[2] = st.st_ino;
	}
	XXH3_128bits_reset(&state);
	XXH3_128bits_update(&state, place, sizeof(place));
	XXH3_128bits_update(&state, inv->options.key, inv->options.key_len);
	hash = XXH3_128bits_digest(&state);
	return (struct identity){ { hash.high64, hash.low64 } };
}
